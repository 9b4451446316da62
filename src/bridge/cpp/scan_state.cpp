// What the two table functions over remote results share: reading Arrow batches into chunks.

#include "scan_state.hpp"

#include "duckdb/common/types/data_chunk.hpp"
#include "duckdb/common/vector_operations/vector_operations.hpp"
#include "duckdb/parallel/task_scheduler.hpp"

using namespace duckdb;

namespace duckherder {

RemoteScanData::RemoteScanData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
}

ScanGlobalState::ScanGlobalState(ClientContext &context, unique_ptr<RemoteStream> stream_p, bool projected_p)
    : stream(std::move(stream_p)), projected(projected_p),
      max_threads(TaskScheduler::GetScheduler(context).NumberOfThreads()) {
}

bool ScanGlobalState::Next(ClientContext &context, ArrowScanLocalState &local) {
	lock_guard<mutex> guard(lock);
	if (done) {
		return false;
	}
	local.Reset();
	local.batch_index = ++batch_index;
	local.chunk = stream->Next(context);
	if (!local.chunk) {
		done = true;
		return false;
	}
	return true;
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

static const LogicalType &ArrowTypeOf(ArrowTableSchema &columns, const ArrowScanLocalState &local, idx_t index) {
	return columns.GetTypes()[local.column_ids[index]];
}

static bool ArriveAsTheyAre(ArrowTableSchema &columns, const ArrowScanLocalState &local, const DataChunk &output) {
	for (idx_t i = 0; i < output.ColumnCount(); i++) {
		if (ArrowTypeOf(columns, local, i) != output.data[i].GetType()) {
			return false;
		}
	}
	return true;
}

//! Read columns whose Arrow type is not quite theirs, and cast them: ENUMs, which arrive as text.
static void ReadAndCast(ClientContext &context, ArrowTableSchema &columns, ArrowScanLocalState &local, DataChunk &output,
                        idx_t rows, bool projected) {
	auto &arrived = local.all_columns;
	if (arrived.ColumnCount() == 0) {
		vector<LogicalType> types;
		for (idx_t i = 0; i < output.ColumnCount(); i++) {
			types.push_back(ArrowTypeOf(columns, local, i));
		}
		arrived.Initialize(context, types);
	}
	arrived.Reset();
	arrived.SetChildCardinality(rows);
	ArrowTableFunction::ArrowToDuckDB(local, columns.GetColumns(), arrived, projected);
	output.SetChildCardinality(rows);
	for (idx_t i = 0; i < output.ColumnCount(); i++) {
		if (arrived.data[i].GetType() == output.data[i].GetType()) {
			output.data[i].Reference(arrived.data[i]);
		} else {
			VectorOperations::Cast(context, arrived.data[i], output.data[i], rows);
		}
	}
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
	auto &columns = global.stream->Columns();
	if (ArriveAsTheyAre(columns, local, output)) {
		output.SetChildCardinality(rows);
		ArrowTableFunction::ArrowToDuckDB(local, columns.GetColumns(), output, global.projected);
	} else {
		ReadAndCast(context, columns, local, output, rows, global.projected);
	}
	local.chunk_offset += rows;
}

OperatorPartitionData ScanGetPartitionData(ClientContext &, TableFunctionGetPartitionInput &input) {
	if (input.partition_info.RequiresPartitionColumns()) {
		throw InternalException("A remote scan has no partition columns");
	}
	return OperatorPartitionData(input.local_state->Cast<ArrowScanLocalState>().batch_index);
}

} // namespace duckherder
