// Lets DuckDB plan what concerns native tables, and plans the rest.

#include "duckling_catalog.hpp"

#include "care_functions.hpp"
#include "change_plan.hpp"
#include "database_files.hpp"
#include "distributed_table.hpp"
#include "engine_internal.hpp"
#include "packed_values.hpp"
#include "read_plan.hpp"
#include "rewritten_files.hpp"
#include "table_layout.hpp"
#include "table_transactions.hpp"
#include "write_plan.hpp"

#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/planner/operator/logical_delete.hpp"
#include "duckdb/planner/operator/logical_merge_into.hpp"
#include "duckdb/planner/operator/logical_update.hpp"
#include "duckdb/planner/parsed_data/bound_create_table_info.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

//! Whether a statement changes files; those that change the list are refused.
bool ChangesFiles(TableCatalogEntry &table) {
	if (IsOfList(table)) {
		RefuseList();
	}
	return IsDistributed(table);
}

[[noreturn]] void RefuseIndex(TableCatalogEntry &table) {
	throw BinderException("Table \"%s\" is distributed, and cannot have indexes: create it without WITH (distributed = true)",
	                      table.name.GetIdentifierName());
}

unique_ptr<Catalog> Attach(optional_ptr<StorageExtensionInfo>, ClientContext &context, AttachedDatabase &database,
                           const string &, AttachInfo &info, AttachOptions &options) {
	if (info.path.empty()) {
		info.path = IN_MEMORY_PATH;
	}
	if (info.path != IN_MEMORY_PATH) {
		// DuckDB does so for databases of its own type only: no file may be opened twice
		info.path = FileSystem::GetFileSystem(context).CanonicalizePath(info.path);
		if (DatabaseManager::Get(context).InsertDatabasePath(info, options) == InsertDatabasePathResult::ALREADY_EXISTS) {
			throw BinderException("The file \"%s\" is open already", info.path);
		}
		TableStorage::Get(DBConfig::GetConfig(context)).database_files->Add(info.path);
	}
	return make_uniq<DucklingCatalog>(database);
}

unique_ptr<TransactionManager> CreateTransactionManager(optional_ptr<StorageExtensionInfo>, AttachedDatabase &database,
                                                        Catalog &) {
	return make_uniq<TableTransactions>(database);
}

} // namespace

bool VerifiedFiles::Has(const string &path, const string &file_version) const {
	lock_guard<mutex> guard(lock);
	auto found = versions.find(path);
	return found != versions.end() && found->second == file_version;
}

void VerifiedFiles::Add(const string &path, const string &file_version) {
	lock_guard<mutex> guard(lock);
	versions[path] = file_version;
}

TableStorage &TableStorage::Get(const DBConfig &config) {
	return static_cast<TableStorage &>(*StorageExtension::Find(config, DATABASE_TYPE)->storage_info);
}

ErrorData DucklingCatalog::SupportsCreateTable(BoundCreateTableInfo &info) {
	try {
		TakeTableOptions(GetAttached().GetDatabase(), info.Base().Cast<CreateTableInfo>());
	} catch (const std::exception &failure) {
		return ErrorData(failure);
	}
	return DuckCatalog::SupportsCreateTable(info);
}

PhysicalOperator &DucklingCatalog::PlanCreateTableAs(ClientContext &context, PhysicalPlanGenerator &planner,
                                                     LogicalCreateTable &op, PhysicalOperator &plan) {
	if (WillBeDistributed(*context.db, op.info->Base().Cast<CreateTableInfo>())) {
		return PlanFileCreateTableAs(context, planner, op, plan);
	}
	return DuckCatalog::PlanCreateTableAs(context, planner, op, plan);
}

PhysicalOperator &DucklingCatalog::PlanInsert(ClientContext &context, PhysicalPlanGenerator &planner, LogicalInsert &op,
                                              optional_ptr<PhysicalOperator> plan) {
	if (ChangesFiles(op.table)) {
		return PlanFileInsert(context, planner, op, *plan);
	}
	return DuckCatalog::PlanInsert(context, planner, op, plan);
}

PhysicalOperator &DucklingCatalog::PlanDelete(ClientContext &context, PhysicalPlanGenerator &planner, LogicalDelete &op,
                                              PhysicalOperator &plan) {
	if (ChangesFiles(op.table)) {
		return PlanFileDelete(context, planner, op, plan);
	}
	return DuckCatalog::PlanDelete(context, planner, op, plan);
}

PhysicalOperator &DucklingCatalog::PlanUpdate(ClientContext &context, PhysicalPlanGenerator &planner, LogicalUpdate &op,
                                              PhysicalOperator &plan) {
	if (ChangesFiles(op.table)) {
		return PlanFileUpdate(context, planner, op, plan);
	}
	return DuckCatalog::PlanUpdate(context, planner, op, plan);
}

PhysicalOperator &DucklingCatalog::PlanMergeInto(ClientContext &context, PhysicalPlanGenerator &planner,
                                                 LogicalMergeInto &op, PhysicalOperator &plan) {
	if (ChangesFiles(op.table)) {
		return PlanFileMerge(context, planner, op, plan);
	}
	return DuckCatalog::PlanMergeInto(context, planner, op, plan);
}

unique_ptr<LogicalOperator> DucklingCatalog::BindCreateIndex(Binder &binder, CreateStatement &stmt,
                                                             TableCatalogEntry &table, unique_ptr<LogicalOperator> plan) {
	if (IsDistributed(table)) {
		RefuseIndex(table);
	}
	return DuckCatalog::BindCreateIndex(binder, stmt, table, std::move(plan));
}

unique_ptr<LogicalOperator> DucklingCatalog::BindAlterAddIndex(Binder &binder, TableCatalogEntry &table,
                                                               unique_ptr<LogicalOperator> plan,
                                                               unique_ptr<CreateIndexInfo> create_info,
                                                               unique_ptr<AlterTableInfo> alter_info) {
	if (IsDistributed(table)) {
		RefuseIndex(table);
	}
	return DuckCatalog::BindAlterAddIndex(binder, table, std::move(plan), std::move(create_info), std::move(alter_info));
}

void RegisterTables(DatabaseInstance &instance) {
	auto &config = DBConfig::GetConfig(instance);
	auto extension = make_shared_ptr<StorageExtension>();
	extension->attach = Attach;
	extension->create_transaction_manager = CreateTransactionManager;
	auto storage = make_shared_ptr<TableStorage>();
	storage->database_files = &DatabaseFiles::Register(instance);
	extension->storage_info = std::move(storage);
	StorageExtension::Register(config, DATABASE_TYPE, std::move(extension));
	RegisterReadPlans(config);
	RegisterPackedValues(instance);
	RegisterRewriting(instance);
	RegisterMergeErrors(instance);
	RegisterLayout(instance);
	RegisterCareFunctions(instance);
}

} // namespace duckling

dh_engine_error *dh_engine_database_set_storage(dh_engine_database *database, dh_engine_str root,
                                                bool by_default) noexcept {
	return Guard([&]() {
		auto &config = DBConfig::GetConfig(*database->database->instance);
		auto &storage = duckling::TableStorage::Get(config);
		storage.root = duckling::ToString(root);
		storage.is_default = by_default;
	});
}
