// The catalog of a server's database: DuckDB's own, which also plans what changes distributed tables.
#pragma once

#include "duckdb/catalog/duck_catalog.hpp"
#include "duckdb/storage/storage_extension.hpp"

#include <map>
#include <string>

namespace duckling {

class DatabaseFiles;

//! What databases are attached as.
constexpr const char *DATABASE_TYPE = "duckling";

//! Files that somebody has written to or copied, as far as can be told, and that have the contents that they should have.
class VerifiedFiles {
public:
	bool Has(const std::string &path, const std::string &file_version) const;
	void Add(const std::string &path, const std::string &file_version);

private:
	mutable duckdb::mutex lock;
	std::map<std::string, std::string> versions;
};

//! Of an instance.
struct TableStorage : public duckdb::StorageExtensionInfo {
	//! Folder of all files of distributed tables, without a slash at its end; empty if there is none
	std::string root;
	//! Tables are distributed if their statement does not say
	bool is_default = false;
	VerifiedFiles verified;
	//! Owned by the instance
	DatabaseFiles *database_files = nullptr;

	static TableStorage &Get(const duckdb::DBConfig &config);
};

class DucklingCatalog : public duckdb::DuckCatalog {
public:
	using DuckCatalog::DuckCatalog;

	bool SupportsTimeTravel() const override {
		return true;
	}
	duckdb::ErrorData SupportsCreateTable(duckdb::BoundCreateTableInfo &info) override;
	duckdb::PhysicalOperator &PlanCreateTableAs(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
	                                            duckdb::LogicalCreateTable &op, duckdb::PhysicalOperator &plan) override;
	duckdb::PhysicalOperator &PlanInsert(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
	                                     duckdb::LogicalInsert &op,
	                                     duckdb::optional_ptr<duckdb::PhysicalOperator> plan) override;
	duckdb::PhysicalOperator &PlanDelete(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
	                                     duckdb::LogicalDelete &op, duckdb::PhysicalOperator &plan) override;
	duckdb::PhysicalOperator &PlanUpdate(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
	                                     duckdb::LogicalUpdate &op, duckdb::PhysicalOperator &plan) override;
	duckdb::PhysicalOperator &PlanMergeInto(duckdb::ClientContext &context, duckdb::PhysicalPlanGenerator &planner,
	                                        duckdb::LogicalMergeInto &op, duckdb::PhysicalOperator &plan) override;
	duckdb::unique_ptr<duckdb::LogicalOperator>
	BindCreateIndex(duckdb::Binder &binder, duckdb::CreateStatement &stmt, duckdb::TableCatalogEntry &table,
	                duckdb::unique_ptr<duckdb::LogicalOperator> plan) override;
	duckdb::unique_ptr<duckdb::LogicalOperator>
	BindAlterAddIndex(duckdb::Binder &binder, duckdb::TableCatalogEntry &table_entry,
	                  duckdb::unique_ptr<duckdb::LogicalOperator> plan,
	                  duckdb::unique_ptr<duckdb::CreateIndexInfo> create_info,
	                  duckdb::unique_ptr<duckdb::AlterTableInfo> alter_info) override;
};

//! Have `ATTACH … (TYPE duckling)` open databases that can have distributed tables.
void RegisterTables(duckdb::DatabaseInstance &instance);

} // namespace duckling
