// The operator that lets pass what a table's constraints allow.
#pragma once

#include "duckdb/catalog/catalog_entry/duck_table_entry.hpp"
#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/planner/bound_constraint.hpp"

namespace duckling {

class CheckedRows : public duckdb::PhysicalOperator {
public:
	CheckedRows(duckdb::PhysicalPlan &plan, duckdb::vector<duckdb::LogicalType> types, duckdb::DuckTableEntry &table,
	            duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>> constraints, std::string folder,
	            duckdb::idx_t estimated_cardinality);

	std::string GetName() const override;
	duckdb::unique_ptr<duckdb::GlobalOperatorState>
	GetGlobalOperatorState(duckdb::ClientContext &context) const override;
	duckdb::unique_ptr<duckdb::OperatorState> GetOperatorState(duckdb::ExecutionContext &context) const override;
	duckdb::OperatorResultType Execute(duckdb::ExecutionContext &context, duckdb::DataChunk &input,
	                                   duckdb::DataChunk &chunk, duckdb::GlobalOperatorState &global,
	                                   duckdb::OperatorState &state) const override;
	bool ParallelOperator() const override {
		return true;
	}

private:
	duckdb::DuckTableEntry &table;
	duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>> constraints;
	//! Where the files of the rows will be
	std::string folder;
};

} // namespace duckling
