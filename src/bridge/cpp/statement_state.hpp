// What a client connection's statement is about.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/main/client_context_state.hpp"

#include <atomic>
#include <thread>

namespace duckdb {
class Binder;
} // namespace duckdb

namespace duckherder {

class RemoteCatalog;

//! Each client connection has one of these.
class StatementState : public duckdb::ClientContextState {
public:
	static StatementState &Of(duckdb::ClientContext &context);

	//! A statement is bound to be executed at once: neither to be explained, nor for its shape alone.
	bool IsBoundToExecute(duckdb::optional_ptr<duckdb::Binder> binder) const;

	//! It is planned for the first time: states are asked of the plan before it is executed.
	bool IsFirstPlan() const {
		return is_first_plan;
	}

	//! What the user wrote is several statements for DuckDB, all in one transaction: IMPORT DATABASE, for example.
	bool IsOneOfSeveral() const {
		return is_one_of_several;
	}
	//! The statement is a PREPARE.
	bool Prepares() const {
		return prepares;
	}

	//! DuckDB's worker threads run it, too, but this one began it, and it is the only one at DuckDB's progress bar.
	bool IsRunByThisThread() const {
		return in_query && runner == std::this_thread::get_id();
	}

	//! The statement that is being planned changes a table of `catalog` in a way that only its server can. If planning it
	//! fails then, it is planned once more with what is local in it as inputs.
	void NeedsServer(RemoteCatalog &catalog);
	//! It was planned once more: what is not sent to the server now will not be.
	bool IsSecondAttempt() const {
		return second_attempt;
	}

	void QueryBegin(duckdb::ClientContext &context) override;
	void QueryEnd(duckdb::ClientContext &context, duckdb::optional_ptr<duckdb::ErrorData> error) override;
	//! Nothing can undo the statement any more.
	void TookEffect() {
		took_effect = true;
	}
	//! DuckDB copies every statement for states that say so, and asks `OnFinalizePrepare` and `OnPlanningError` of all
	//! states if one does.
	bool CanRequestRebind() override;
	duckdb::RebindQueryInfo OnPlanningError(duckdb::ClientContext &context, duckdb::SQLStatement &statement,
	                                        duckdb::ErrorData &error) override;
	duckdb::RebindQueryInfo OnFinalizePrepare(duckdb::ClientContext &context, duckdb::PreparedStatementData &prepared,
	                                          duckdb::PreparedStatementMode mode) override;
	duckdb::RebindQueryInfo OnRebindPreparedStatement(duckdb::ClientContext &context,
	                                                  duckdb::BindPreparedStatementCallbackInfo &info,
	                                                  duckdb::RebindQueryInfo current_rebind) override;

private:
	bool in_query = false;
	std::atomic<bool> took_effect {false};
	std::thread::id runner;
	bool explains = false;
	bool is_one_of_several = false;
	bool prepares = false;
	bool is_first_plan = false;
	//! An EXECUTE, which binds the prepared statement anew, is being bound
	bool executes_prepared = false;
	duckdb::optional_ptr<RemoteCatalog> needed_server;
	bool second_attempt = false;
};

//! Gives every connection of a database its StatementState, those that are open already included.
void RegisterStatementState(duckdb::DatabaseInstance &database);

} // namespace duckherder
