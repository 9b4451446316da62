// An attached server as a DuckDB catalog.
#pragma once

#include "bridge_internal.hpp"
#include "registered_tables.hpp"

#include "duckdb/catalog/catalog.hpp"

#include <chrono>

namespace duckherder {

class RemoteSnapshot;
class SessionState;

class RemoteCatalog : public duckdb::Catalog {
public:
	//! Takes over `remote`.
	RemoteCatalog(duckdb::AttachedDatabase &db, dh_catalog *remote, std::string path);
	~RemoteCatalog() override;

	static constexpr const char *TYPE = "duckherder";

	//! The catalog of that name, which must be one of ours.
	static RemoteCatalog &Find(duckdb::ClientContext &context, const std::string &name);
	//! The same, or the only one of ours if `name` is NULL.
	static RemoteCatalog &FindOrOnly(duckdb::ClientContext &context, const duckdb::Value &name);

	duckdb::shared_ptr<SessionState> SessionOf(duckdb::ClientContext &context);

	const dh_catalog &Remote() const {
		return *remote;
	}
	RegisteredTables &Registered() {
		return registered;
	}
	//! The name that the database has on the server.
	duckdb::Identifier ServerDatabase() const;
	//! The server has a database of that name, perhaps another one.
	bool ServerHasDatabase(const duckdb::Identifier &name) const;
	//! The server has a function or macro of that name.
	bool ServerHasFunction(const duckdb::Identifier &name, duckdb::CatalogType type);

	//! One of ours is attached to some database of this process.
	static bool AnyAttached();

	// What all connections know of the remote catalog
	//! The last snapshot, or null if the remote catalog is known to have changed since.
	duckdb::shared_ptr<RemoteSnapshot> CachedSnapshot();
	//! The last snapshot, or null.
	duckdb::shared_ptr<RemoteSnapshot> LastSnapshot();
	//! `is_latest`: it was read just now, not in a transaction that began earlier.
	void Cache(duckdb::shared_ptr<RemoteSnapshot> snapshot, bool is_latest);
	//! The server has told the committed version of its catalog.
	void HeardOf(uint64_t version);
	void MarkOutdated();
	//! What the server has told of sizes is a while ago, or this process has written since.
	bool WantsStates() const;
	void HeardStates();
	void ForgetStates();

	void Initialize(bool load_builtin) override {
	}
	duckdb::string GetCatalogType() override {
		return TYPE;
	}
	duckdb::string GetConnectDisplay() override;
	void OnDetach(duckdb::ClientContext &context) override;

	duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(duckdb::CatalogTransaction transaction,
	                                                        duckdb::CreateSchemaInfo &info) override;
	void DropSchema(duckdb::ClientContext &context, duckdb::DropInfo &info) override;
	duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(duckdb::CatalogTransaction transaction,
	                                                              const duckdb::EntryLookupInfo &lookup,
	                                                              duckdb::OnEntryNotFound if_not_found) override;
	bool SupportsNestedSchemas() const override {
		return true;
	}
	void ScanSchemas(duckdb::ClientContext &context,
	                 std::function<void(duckdb::SchemaCatalogEntry &)> callback) override;

	// Whole statements that run on the server (pushdown.cpp)
	bool Supports(duckdb::RemoteCapability capability) const override;
	bool SupportsPushdown(const duckdb::ParsedExpression &expression) override;
	bool SupportsPushdown(const duckdb::TableRef &ref) override;
	bool SupportsPushdown(const duckdb::QueryNode &node) override;
	bool SupportsPushdown(const duckdb::SQLStatement &statement) override;
	duckdb::unique_ptr<duckdb::TableRef> RemoteExecute(duckdb::ClientContext &context,
	                                                   duckdb::unique_ptr<duckdb::QueryNode> node) override;
	duckdb::unique_ptr<duckdb::TableRef> RemoteExecute(duckdb::ClientContext &context,
	                                                   duckdb::unique_ptr<duckdb::SQLStatement> statement) override;
	duckdb::unique_ptr<duckdb::TableRef> RemoteExecute(duckdb::ClientContext &context,
	                                                   const duckdb::string &sql) override;

	// Statements that need rows of the client
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

	// Indexes are created by whole statements only
	duckdb::unique_ptr<duckdb::LogicalOperator>
	BindCreateIndex(duckdb::Binder &binder, duckdb::CreateStatement &statement, duckdb::TableCatalogEntry &table,
	                duckdb::unique_ptr<duckdb::LogicalOperator> plan) override;
	duckdb::unique_ptr<duckdb::LogicalOperator>
	BindAlterAddIndex(duckdb::Binder &binder, duckdb::TableCatalogEntry &table,
	                  duckdb::unique_ptr<duckdb::LogicalOperator> plan,
	                  duckdb::unique_ptr<duckdb::CreateIndexInfo> create_info,
	                  duckdb::unique_ptr<duckdb::AlterTableInfo> alter_info) override;

	duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext &context) override;
	//! The server says which of its tables have snapshots.
	bool SupportsTimeTravel() const override {
		return true;
	}
	bool InMemory() override {
		return false;
	}
	duckdb::string GetDBPath() override {
		return path;
	}

private:
	bool SupportsCall(const duckdb::QualifiedName &name);

	//! Shared with the sessions on it
	duckdb::shared_ptr<dh_catalog> remote;
	std::string path;
	mutable duckdb::mutex lock;
	duckdb::vector<duckdb::weak_ptr<SessionState>> sessions;
	duckdb::shared_ptr<RemoteSnapshot> last;
	bool is_outdated = false;
	std::chrono::steady_clock::time_point states_heard;
	RegisteredTables registered;
};

} // namespace duckherder
