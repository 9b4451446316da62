// What the two table functions over remote results share: reading Arrow batches into chunks.
#pragma once

#include "remote_stream.hpp"

#include "duckdb/common/atomic.hpp"
#include "duckdb/function/table_function.hpp"

#include <functional>

namespace duckherder {

class RemoteCatalog;

//! Bind data of a table function that reads from an attached server.
struct RemoteScanData : public duckdb::TableFunctionData {
	explicit RemoteScanData(RemoteCatalog &catalog);

	RemoteCatalog &catalog;
};

//! A stream shared by the threads of one scan. Reading is in turn, conversion is parallel.
class ScanGlobalState : public duckdb::GlobalTableFunctionState {
public:
	//! `projected`: the stream holds just the columns that the scan asks for, in that order; else all that were bound.
	ScanGlobalState(duckdb::ClientContext &context, duckdb::unique_ptr<RemoteStream> stream, bool projected);
	//! Calls `open` when the first row is wanted: what writes has run when it is open, and only here can DuckDB show how far
	//! it is until then.
	using Open = std::function<duckdb::unique_ptr<RemoteStream>(duckdb::ClientContext &context,
	                                                            duckdb::shared_ptr<RemoteProgress> shown)>;
	ScanGlobalState(duckdb::ClientContext &context, Open open);

	duckdb::idx_t MaxThreads() const override {
		return max_threads;
	}
	//! Give `local` the next batch; false at the end.
	bool Next(duckdb::ClientContext &context, duckdb::ArrowScanLocalState &local);

	//! Of the whole scan, in percent
	double Progress() const;

	//! Null before the first batch, if it is opened then
	duckdb::unique_ptr<RemoteStream> stream;
	const bool projected;

private:
	const duckdb::shared_ptr<RemoteProgress> progress;
	Open open;
	duckdb::idx_t max_threads;
	duckdb::mutex lock;
	duckdb::idx_t batch_index = 0;
	duckdb::atomic<bool> done {false};
};

duckdb::unique_ptr<duckdb::LocalTableFunctionState> ScanInitLocal(duckdb::ExecutionContext &context,
                                                                  duckdb::TableFunctionInitInput &input,
                                                                  duckdb::GlobalTableFunctionState *global_state);

//! Fill `output` with the columns that the scan asks for.
void ScanFunction(duckdb::ClientContext &context, duckdb::TableFunctionInput &data, duckdb::DataChunk &output);

double ScanProgress(duckdb::ClientContext &context, const duckdb::FunctionData *bind_data,
                    const duckdb::GlobalTableFunctionState *global_state);

duckdb::OperatorPartitionData ScanGetPartitionData(duckdb::ClientContext &context,
                                                   duckdb::TableFunctionGetPartitionInput &input);

//! Keep DuckDB from copying scans of the function, as it does with a CTE that is read twice: each copy would ask the server.
void RefuseCopies(duckdb::TableFunction &function);

} // namespace duckherder
