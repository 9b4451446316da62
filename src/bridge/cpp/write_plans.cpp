// Physical plans of the statements that write rows of the client into a remote table.

#include "catalog.hpp"
#include "relation_entry.hpp"
#include "remote_insert.hpp"
#include "server_names.hpp"
#include "statement_state.hpp"

#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_delete.hpp"
#include "duckdb/planner/operator/logical_insert.hpp"
#include "duckdb/planner/operator/logical_merge_into.hpp"
#include "duckdb/planner/operator/logical_update.hpp"
#include "duckdb/planner/parsed_data/bound_create_table_info.hpp"

using namespace duckdb;

namespace duckherder {

static void AddColumns(LoadTarget &target, const ColumnList &columns) {
	for (auto &column : columns.Physical()) {
		target.columns.push_back(column.Name().GetIdentifierName());
		target.types.push_back(column.Type());
	}
}

PhysicalOperator &RemoteCatalog::PlanCreateTableAs(ClientContext &context, PhysicalPlanGenerator &planner,
                                                   LogicalCreateTable &op, PhysicalOperator &plan) {
	auto create = unique_ptr_cast<CreateInfo, CreateTableInfo>(op.info->Base().Copy());
	create->query = nullptr;
	NameStoredTables(context, *this, create->Cast<CreateInfo>());
	NameForServer(context, *this, *create);
	LoadTarget target;
	target.create_sql = create->ToString();
	target.schema = IdentifiersToStrings(op.schema.GetSchemaPath());
	target.table = create->GetTableName().GetIdentifierName();
	AddColumns(target, create->columns);
	auto parallel = !PhysicalPlanGenerator::PreserveInsertionOrder(context, plan);
	auto &insert = planner.Make<RemoteInsert>(op.types, *this, std::move(target), parallel, op.estimated_cardinality);
	insert.children.push_back(plan);
	return insert;
}

//! A statement that only the server can run, but that uses something of this client. Once it has failed, it is tried again
//! with that as an input of the server's statement.
[[noreturn]] static void ThrowNotWhole(ClientContext &context, const char *statement, TableCatalogEntry &table) {
	StatementState::Of(context).NeedsServer(table.ParentCatalog().Cast<RemoteCatalog>());
	throw NotImplementedException("%s of remote table \"%s\" cannot run here, and cannot be sent to the server, because "
	                              "it uses a function that only this client has, or because the optimizer is off "
	                              "(SET enable_optimizer = true)",
	                              statement, table.name.GetIdentifierName());
}

static bool IsConstant(const ParsedExpression &expression) {
	return expression.GetExpressionClass() == ExpressionClass::CONSTANT ||
	       (expression.GetExpressionClass() == ExpressionClass::CAST &&
	        IsConstant(expression.Cast<CastExpression>().Child()));
}

//! The statement leaves out a column whose default is computed, which is for the server to do. The binder moves the
//! defaults that are used out of the list.
static bool UsesComputedDefault(const RemoteTable &table, const LogicalInsert &op) {
	for (auto &column : table.GetColumns().Physical()) {
		if (!op.bound_defaults[column.StorageOid()] && column.HasDefaultValue() && !IsConstant(column.DefaultValue())) {
			return true;
		}
	}
	return false;
}

PhysicalOperator &RemoteCatalog::PlanInsert(ClientContext &context, PhysicalPlanGenerator &planner, LogicalInsert &op,
                                            optional_ptr<PhysicalOperator> plan) {
	auto &table = op.table.Cast<RemoteTable>();
	if (op.return_chunk) {
		ThrowNotWhole(context, "INSERT with RETURNING", table);
	}
	if (op.on_conflict_info.action_type != OnConflictAction::THROW) {
		ThrowNotWhole(context, "INSERT with ON CONFLICT", table);
	}
	// Computed here, they come out the same, but call by call
	if (UsesComputedDefault(table, op) && !StatementState::Of(context).IsSecondAttempt()) {
		ThrowNotWhole(context, "INSERT with computed defaults", table);
	}
	auto &stored = table.Stored();
	LoadTarget target;
	target.schema = IdentifiersToStrings(stored.schema.GetSchemaPath());
	target.table = stored.name.GetIdentifierName();
	AddColumns(target, table.GetColumns());
	auto parallel = !PhysicalPlanGenerator::PreserveInsertionOrder(context, *plan);
	auto &insert = planner.Make<RemoteInsert>(op.types, *this, std::move(target), parallel, op.estimated_cardinality);
	insert.children.push_back(*plan);
	return insert;
}

PhysicalOperator &RemoteCatalog::PlanDelete(ClientContext &context, PhysicalPlanGenerator &, LogicalDelete &op,
                                            PhysicalOperator &) {
	ThrowNotWhole(context, "DELETE", op.table);
}

PhysicalOperator &RemoteCatalog::PlanUpdate(ClientContext &context, PhysicalPlanGenerator &, LogicalUpdate &op,
                                            PhysicalOperator &) {
	ThrowNotWhole(context, "UPDATE", op.table);
}

PhysicalOperator &RemoteCatalog::PlanMergeInto(ClientContext &context, PhysicalPlanGenerator &, LogicalMergeInto &op,
                                               PhysicalOperator &) {
	ThrowNotWhole(context, "MERGE", op.table);
}

unique_ptr<LogicalOperator> RemoteCatalog::BindCreateIndex(Binder &binder, CreateStatement &, TableCatalogEntry &table,
                                                           unique_ptr<LogicalOperator>) {
	ThrowNotWhole(binder.context, "CREATE INDEX", table);
}

unique_ptr<LogicalOperator> RemoteCatalog::BindAlterAddIndex(Binder &binder, TableCatalogEntry &table,
                                                             unique_ptr<LogicalOperator>, unique_ptr<CreateIndexInfo>,
                                                             unique_ptr<AlterTableInfo>) {
	ThrowNotWhole(binder.context, "ALTER TABLE", table);
}

} // namespace duckherder
