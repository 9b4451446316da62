// What the two table functions over remote results share: reading Arrow batches into chunks.

#include "scan_state.hpp"

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/common/types/data_chunk.hpp"
#include "duckdb/main/profiler/profiling_node.hpp"
#include "duckdb/parallel/task_scheduler.hpp"

#include <chrono>

using namespace duckdb;

namespace duckherder {

RemoteScanData::RemoteScanData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
}

ScanGlobalState::ScanGlobalState(ClientContext &context, unique_ptr<RemoteStream> stream_p, bool projected_p)
    : stream(std::move(stream_p)), projected(projected_p),
      max_threads(TaskScheduler::GetScheduler(context).NumberOfThreads()) {
}

//! As often as a thread that waits for the network looks up.
static constexpr std::chrono::milliseconds TURN_POLL {20};

bool ScanGlobalState::Next(ClientContext &context, ArrowScanLocalState &local) {
	const WaitInOperator wait(context);
	// The thread that reads may wait for long, while this one has DuckDB's progress bar to move
	std::unique_lock<std::timed_mutex> guard(lock, std::try_to_lock);
	while (!guard.owns_lock() && !guard.try_lock_for(TURN_POLL)) {
		wait.reason(wait.context);
	}
	if (done) {
		return false;
	}
	local.Reset();
	local.batch_index = ++batch_index;
	local.chunk = stream->Next(wait);
	if (!local.chunk) {
		done = true;
		return false;
	}
	return true;
}

double ScanGlobalState::Progress() const {
	return done ? 100 : stream->progress->Percent();
}

double ScanProgress(ClientContext &, const FunctionData *, const GlobalTableFunctionState *global_state) {
	return global_state->Cast<ScanGlobalState>().Progress();
}

unique_ptr<LocalTableFunctionState> ScanInitLocal(ExecutionContext &context, TableFunctionInitInput &input,
                                                  GlobalTableFunctionState *global_state) {
	auto local = make_uniq<ArrowScanLocalState>(make_uniq<ArrowArrayWrapper>(), context.client);
	if (global_state->Cast<ScanGlobalState>().projected) {
		for (idx_t i = 0; i < input.column_ids.size(); i++) {
			local->column_ids.push_back(i);
		}
	} else {
		local->column_ids = input.column_ids;
	}
	return std::move(local);
}

void ScanFunction(ClientContext &context, TableFunctionInput &data, DataChunk &output) {
	auto &global = data.global_state->Cast<ScanGlobalState>();
	auto &local = data.local_state->Cast<ArrowScanLocalState>();
	if (!local.chunk || local.chunk_offset >= idx_t(local.chunk->arrow_array.length)) {
		if (!global.Next(context, local)) {
			return;
		}
	}
	auto rows = MinValue<idx_t>(STANDARD_VECTOR_SIZE, idx_t(local.chunk->arrow_array.length) - local.chunk_offset);
	output.SetChildCardinality(rows);
	ArrowTableFunction::ArrowToDuckDB(local, global.stream->Columns().GetColumns(), output, global.projected);
	local.chunk_offset += rows;
}

OperatorPartitionData ScanGetPartitionData(ClientContext &, TableFunctionGetPartitionInput &input) {
	if (input.partition_info.RequiresPartitionColumns()) {
		throw InternalException("A remote scan has no partition columns");
	}
	return OperatorPartitionData(input.local_state->Cast<ArrowScanLocalState>().batch_index);
}

const InsertionOrderPreservingMap<string> &ScanGlobalState::ServerMetrics(ClientContext &context,
                                                                          RemoteCatalog &catalog) {
	lock_guard<std::timed_mutex> guard(lock);
	if (!server_metrics.empty()) {
		return server_metrics;
	}
	server_metrics["Remote SQL"] = stream->Sql();
	dh_query_history *history = nullptr;
	duckherder::Interrupt interrupt(context);
	Check(Rust().session_query_history(&catalog.SessionOf(context)->Get(context), true, &interrupt, &history));
	// The last execution of the text; a server may keep no history
	for (auto i = history->record_count; i-- > 0;) {
		auto &record = history->records[i];
		if (ToString(record.sql) == stream->Sql()) {
			server_metrics["Server Rows"] = to_string(record.rows);
			server_metrics["Sent"] = StringUtil::BytesToHumanReadableString(record.sent_bytes, 1000);
			server_metrics["Server Time"] = StringUtil::Format("%.4fs", double(record.duration_us) / 1e6);
			server_metrics["Server CPU Time"] = StringUtil::Format("%.4fs", double(record.cpu_us) / 1e6);
			break;
		}
	}
	Rust().query_history_free(history);
	return server_metrics;
}

void ScanGetMetrics(TableFunctionGetMetricsInput &input) {
	auto &catalog = input.bind_data->Cast<RemoteScanData>().catalog;
	for (auto &entry : input.global_state->Cast<ScanGlobalState>().ServerMetrics(input.context, catalog)) {
		auto info = input.operator_metrics.GetExtraInfo();
		info[entry.first] = entry.second;
		input.operator_metrics.SetExtraInfo(std::move(info));
	}
}

// DuckDB copies a plan by writing and reading it, and keeps the original where that is not implemented

static void RefuseToWrite(Serializer &, const optional_ptr<FunctionData>, const BoundTableFunction &) {
	throw NotImplementedException("A scan of a server cannot be serialized");
}

static unique_ptr<FunctionData> RefuseToRead(Deserializer &, BoundTableFunction &) {
	throw NotImplementedException("A scan of a server cannot be deserialized");
}

void RefuseCopies(TableFunction &function) {
	function.serialize = RefuseToWrite;
	function.deserialize = RefuseToRead;
}

} // namespace duckherder
