// What the two table functions over remote results share: reading Arrow batches into chunks.

#include "scan_state.hpp"

#include "duckdb/common/types/data_chunk.hpp"
#include "duckdb/parallel/task_scheduler.hpp"

using namespace duckdb;

namespace duckherder {

RemoteScanData::RemoteScanData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
}

ScanGlobalState::ScanGlobalState(ClientContext &context, unique_ptr<RemoteStream> stream_p, bool projected_p)
    : stream(std::move(stream_p)), projected(projected_p), progress(stream->progress),
      max_threads(TaskScheduler::GetScheduler(context).NumberOfThreads()) {
}

ScanGlobalState::ScanGlobalState(ClientContext &context, Open open_p)
    : projected(false), progress(make_shared_ptr<RemoteProgress>()), open(std::move(open_p)),
      max_threads(TaskScheduler::GetScheduler(context).NumberOfThreads()) {
}

bool ScanGlobalState::Next(ClientContext &context, ArrowScanLocalState &local) {
	lock_guard<mutex> guard(lock);
	if (done) {
		return false;
	}
	if (!stream) {
		stream = open(context, progress);
	}
	local.Reset();
	local.batch_index = ++batch_index;
	local.chunk = stream->Next(ScanInterrupt(context));
	if (!local.chunk) {
		done = true;
		return false;
	}
	return true;
}

double ScanGlobalState::Progress() const {
	// What the server has done may still be on its way
	static constexpr double MAX_UNFINISHED = 99;
	return done ? 100 : MinValue(progress->Percent(), MAX_UNFINISHED);
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
