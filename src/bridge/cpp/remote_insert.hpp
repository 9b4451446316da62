// Rows of the client on their way into a remote table.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/execution/physical_operator.hpp"

namespace duckherder {

//! Where the rows go.
struct InsertTarget {
	//! Statement that creates the table first, or empty
	std::string create_sql;
	//! The schema's own name, after those of the schemas around it
	duckdb::vector<std::string> schema;
	std::string table;
	duckdb::vector<std::string> columns;
	duckdb::vector<duckdb::LogicalType> types;
};

//! Sink of INSERT INTO and CREATE TABLE AS: streams Arrow batches to the server, then yields the number of rows.
class RemoteInsert : public duckdb::PhysicalOperator {
public:
	RemoteInsert(duckdb::PhysicalPlan &plan, duckdb::vector<duckdb::LogicalType> types, duckdb::Catalog &catalog,
	             InsertTarget target, bool parallel, duckdb::idx_t estimated_cardinality);

	//! Whether an operator is one of these.
	static bool Is(const duckdb::PhysicalOperator &op);

	duckdb::Catalog &GetCatalog() const {
		return catalog;
	}
	duckdb::string GetName() const override {
		return target.create_sql.empty() ? INSERT_NAME : CREATE_TABLE_AS_NAME;
	}
	duckdb::InsertionOrderPreservingMap<duckdb::string> ParamsToString() const override;

	bool IsSink() const override {
		return true;
	}
	bool ParallelSink() const override {
		return parallel;
	}
	duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext &context) const override;
	duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(duckdb::ExecutionContext &context) const override;
	duckdb::SinkResultType Sink(duckdb::ExecutionContext &context, duckdb::DataChunk &chunk,
	                            duckdb::OperatorSinkInput &input) const override;
	duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext &context,
	                                      duckdb::OperatorSinkCombineInput &input) const override;
	duckdb::SinkFinalizeType Finalize(duckdb::Pipeline &pipeline, duckdb::Event &event, duckdb::ClientContext &context,
	                                  duckdb::OperatorSinkFinalizeInput &input) const override;

	bool IsSource() const override {
		return true;
	}
	duckdb::unique_ptr<duckdb::GlobalSourceState> GetGlobalSourceState(duckdb::ClientContext &context) const override;

protected:
	duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext &context, duckdb::DataChunk &chunk,
	                                         duckdb::OperatorSourceInput &input) const override;

private:
	static constexpr const char *INSERT_NAME = "REMOTE_INSERT";
	static constexpr const char *CREATE_TABLE_AS_NAME = "REMOTE_CREATE_TABLE_AS";

	duckdb::Catalog &catalog;
	InsertTarget target;
	bool parallel;
};

} // namespace duckherder
