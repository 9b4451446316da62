// The operator that lists what a statement has written.
#pragma once

#include "changed_rows.hpp"
#include "definition_change.hpp"

#include "duckdb/planner/parsed_data/bound_create_table_info.hpp"

namespace duckling {

//! A column that must not have NULL.
struct NotNullColumn {
	std::string name;
	//! What is said of a NULL
	std::string violation;
};

//! Sink of the rows of COPY … (RETURN_STATS); source of the number of rows written, or of the rows themselves.
class RecordFiles : public duckdb::PhysicalOperator {
public:
	RecordFiles(duckdb::PhysicalPlan &plan, duckdb::vector<duckdb::LogicalType> types, duckdb::Catalog &catalog,
	            std::string table_id, duckdb::idx_t estimated_cardinality);

	//! What the statement does to rows of these files, if it does more than to append
	duckdb::optional_ptr<ChangedRows> changed;
	std::vector<TableFile> changed_files;
	//! Files whose rows are all written anew
	std::vector<TableFile> replaced_files;
	//! Be listed when no other transaction runs, so that this one conflicts with none
	bool gives_way = false;
	//! What it does to the definition of the table
	duckdb::unique_ptr<DefinitionChange> alter;
	//! To be made if it is missing, before anything is written
	std::string folder;
	//! Whose constraint nobody has checked yet
	std::vector<NotNullColumn> not_null;
	//! Of the columns of what it writes
	ColumnIds column_ids;
	std::vector<std::string> column_names;
	//! The table to be created, if it is not there yet
	duckdb::SchemaCatalogEntry *schema = nullptr;
	duckdb::unique_ptr<duckdb::BoundCreateTableInfo> create;

	std::string GetName() const override;
	duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext &context) const override;
	duckdb::SinkResultType Sink(duckdb::ExecutionContext &context, duckdb::DataChunk &chunk,
	                            duckdb::OperatorSinkInput &input) const override;
	duckdb::SinkFinalizeType Finalize(duckdb::Pipeline &pipeline, duckdb::Event &event, duckdb::ClientContext &context,
	                                  duckdb::OperatorSinkFinalizeInput &input) const override;
	bool IsSink() const override {
		return true;
	}
	duckdb::unique_ptr<duckdb::GlobalSourceState> GetGlobalSourceState(duckdb::ClientContext &context) const override;
	bool IsSource() const override {
		return true;
	}

protected:
	duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext &context, duckdb::DataChunk &chunk,
	                                         duckdb::OperatorSourceInput &input) const override;

private:
	duckdb::optional_ptr<ChangedRowsState> Changes() const;

	duckdb::Catalog &catalog;
	std::string table_id;
};

} // namespace duckling
