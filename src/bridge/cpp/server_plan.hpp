// How a server executes a statement: its plan, and what it has measured.
#pragma once

#include "bridge_internal.hpp"
#include "sent_statement.hpp"

#include "duckdb/common/insertion_order_preserving_map.hpp"
#include "duckdb/execution/physical_operator.hpp"

namespace duckherder {

class RemoteCatalog;

//! An operator of a server's plan.
struct ServerOperator {
	std::string name;
	duckdb::InsertionOrderPreservingMap<std::string> params;
	// If the statement was executed:
	double seconds = 0;
	duckdb::idx_t rows = 0;
	duckdb::idx_t size_bytes = 0;
	duckdb::vector<ServerOperator> children;
};

//! A statement that was executed on the server, and its result thrown away.
struct ServerProfile {
	duckdb::vector<ServerOperator> operators;
	double seconds = 0;
	//! Of the result
	duckdb::idx_t Rows() const;
};

//! The text is one statement of a kind that DuckDB explains. Nothing else may be sent behind an EXPLAIN: a second statement
//! would be executed.
bool CanBeExplained(const std::string &sql);

//! The plan of a statement that can be explained, which is not executed.
duckdb::vector<ServerOperator> ExplainOnServer(duckdb::ClientContext &context, RemoteCatalog &catalog,
                                               const SentStatement &statement);
//! Execute a statement that can be explained.
ServerProfile AnalyzeOnServer(duckdb::ClientContext &context, RemoteCatalog &catalog,
                              const SentStatement &statement, bool writes);

//! Show the server's operators below the operator of the client that waited for them, in the profile of what runs.
void AddToProfile(duckdb::ClientContext &context, const duckdb::PhysicalOperator &op, const ServerProfile &profile);

} // namespace duckherder
