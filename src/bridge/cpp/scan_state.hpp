// What the two table functions over remote results share: reading Arrow batches into chunks.
#pragma once

#include "remote_stream.hpp"

#include "duckdb/common/atomic.hpp"
#include "duckdb/function/table_function.hpp"

#include <mutex>

namespace duckdb {
class PhysicalTableScan;
} // namespace duckdb

namespace duckherder {

class RemoteCatalog;

//! Bind data of a table function that reads from an attached server.
struct RemoteScanData : public duckdb::TableFunctionData {
	explicit RemoteScanData(RemoteCatalog &catalog);

	//! What a scan sends to the server, as far as it is known before anything is executed. The scan shows it from now on.
	virtual std::string ExplainedSql(duckdb::ClientContext &context, const duckdb::PhysicalTableScan &scan) = 0;

	RemoteCatalog &catalog;
};

//! A stream shared by the threads of one scan. Reading is in turn, conversion is parallel.
class ScanGlobalState : public duckdb::GlobalTableFunctionState {
public:
	//! `projected`: the stream holds just the columns that the scan asks for, in that order; else all that were bound.
	ScanGlobalState(duckdb::ClientContext &context, duckdb::unique_ptr<RemoteStream> stream, bool projected);

	duckdb::idx_t MaxThreads() const override {
		return max_threads;
	}
	//! Give `local` the next batch; false at the end.
	bool Next(duckdb::ClientContext &context, duckdb::ArrowScanLocalState &local);

	//! Of the server's work, in percent
	double Progress() const;

	//! Rows, bytes and times of the server, for a user to read. It is asked once.
	const duckdb::InsertionOrderPreservingMap<std::string> &ServerMetrics(duckdb::ClientContext &context,
	                                                                      RemoteCatalog &catalog);

	const duckdb::unique_ptr<RemoteStream> stream;
	const bool projected;

private:
	duckdb::idx_t max_threads;
	std::timed_mutex lock;
	duckdb::idx_t batch_index = 0;
	duckdb::atomic<bool> done {false};
	duckdb::InsertionOrderPreservingMap<std::string> server_metrics;
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

//! Tell EXPLAIN ANALYZE what was sent, and what the server has recorded of it.
void ScanGetMetrics(duckdb::TableFunctionGetMetricsInput &input);

//! Keep DuckDB from copying scans of the function, as it does with a CTE that is read twice: each copy would ask the server.
void RefuseCopies(duckdb::TableFunction &function);

} // namespace duckherder
