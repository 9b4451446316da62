// Physical plans of the statements that write rows of the client into a remote table.

#include "catalog.hpp"
#include "relation_entry.hpp"
#include "remote_insert.hpp"
#include "server_names.hpp"

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_delete.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"
#include "duckdb/planner/operator/logical_merge_into.hpp"
#include "duckdb/planner/operator/logical_update.hpp"
#include "duckdb/planner/parsed_data/bound_create_table_info.hpp"

using namespace duckdb;

namespace duckherder {

static void AddColumns(InsertTarget &target, const ColumnList &columns) {
	for (auto &column : columns.Physical()) {
		target.columns.push_back(column.Name().GetIdentifierName());
		target.types.push_back(column.Type());
	}
}

PhysicalOperator &RemoteCatalog::PlanCreateTableAs(ClientContext &context, PhysicalPlanGenerator &planner,
                                                   LogicalCreateTable &op, PhysicalOperator &plan) {
	auto create = unique_ptr_cast<CreateInfo, CreateTableInfo>(op.info->Base().Copy());
	create->query = nullptr;
	NameForServer(context, *this, *create);
	InsertTarget target;
	target.create_sql = create->ToString();
	target.schema = IdentifiersToStrings(op.schema.GetSchemaPath());
	target.table = create->GetTableName().GetIdentifierName();
	AddColumns(target, create->columns);
	auto parallel = !PhysicalPlanGenerator::PreserveInsertionOrder(context, plan);
	auto &insert = planner.Make<RemoteInsert>(op.types, *this, std::move(target), parallel, op.estimated_cardinality);
	insert.children.push_back(plan);
	return insert;
}

PhysicalOperator &RemoteCatalog::PlanInsert(ClientContext &context, PhysicalPlanGenerator &planner, LogicalInsert &op,
                                            optional_ptr<PhysicalOperator> plan) {
	auto &table = op.table.Cast<RemoteTable>();
	if (op.return_chunk) {
		throw NotImplementedException("INSERT of local rows into remote table \"%s\" with RETURNING is not supported yet: "
		                              "insert first, then SELECT",
		                              table.name.GetIdentifierName());
	}
	if (op.on_conflict_info.action_type != OnConflictAction::THROW) {
		throw NotImplementedException("INSERT of local rows into remote table \"%s\" with ON CONFLICT is not supported "
		                              "yet: load them into a remote staging table first and insert from there",
		                              table.name.GetIdentifierName());
	}
	if (!op.column_index_map.empty()) {
		plan = planner.ResolveDefaultsProjection(op, *plan);
	}
	InsertTarget target;
	target.schema = IdentifiersToStrings(table.schema.GetSchemaPath());
	target.table = table.name.GetIdentifierName();
	AddColumns(target, table.GetColumns());
	auto parallel = !PhysicalPlanGenerator::PreserveInsertionOrder(context, *plan);
	auto &insert = planner.Make<RemoteInsert>(op.types, *this, std::move(target), parallel, op.estimated_cardinality);
	insert.children.push_back(*plan);
	return insert;
}

//! For what only the server can do, when the statement could not be sent there whole.
[[noreturn]] static void ThrowNotWhole(const char *statement, const TableCatalogEntry &table) {
	throw NotImplementedException("%s of remote table \"%s\" cannot run here: it was not sent to the server as a whole, "
	                              "because it uses something of this client (copy local tables to the server first) or "
	                              "because the optimizer is off (SET enable_optimizer = true)",
	                              statement, table.name.GetIdentifierName());
}

PhysicalOperator &RemoteCatalog::PlanDelete(ClientContext &, PhysicalPlanGenerator &, LogicalDelete &op,
                                            PhysicalOperator &) {
	ThrowNotWhole("DELETE", op.table);
}

PhysicalOperator &RemoteCatalog::PlanUpdate(ClientContext &, PhysicalPlanGenerator &, LogicalUpdate &op,
                                            PhysicalOperator &) {
	ThrowNotWhole("UPDATE", op.table);
}

PhysicalOperator &RemoteCatalog::PlanMergeInto(ClientContext &, PhysicalPlanGenerator &, LogicalMergeInto &op,
                                               PhysicalOperator &) {
	ThrowNotWhole("MERGE", op.table);
}

unique_ptr<LogicalOperator> RemoteCatalog::BindCreateIndex(Binder &, CreateStatement &, TableCatalogEntry &table,
                                                           unique_ptr<LogicalOperator>) {
	ThrowNotWhole("CREATE INDEX", table);
}

unique_ptr<LogicalOperator> RemoteCatalog::BindAlterAddIndex(Binder &, TableCatalogEntry &table,
                                                             unique_ptr<LogicalOperator>, unique_ptr<CreateIndexInfo>,
                                                             unique_ptr<AlterTableInfo>) {
	ThrowNotWhole("ALTER TABLE", table);
}

} // namespace duckherder
