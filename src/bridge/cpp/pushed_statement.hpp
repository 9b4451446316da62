// A statement that is pushed down, on its way from the optimizer to the table function that runs it.
#pragma once

#include "bridge_internal.hpp"
#include "local_inputs.hpp"
#include "sent_statement.hpp"
#include "statement_kind.hpp"

#include "duckdb/common/identifier.hpp"
#include "duckdb/function/table_function.hpp"
#include "duckdb/parser/query_node.hpp"

namespace duckherder {

//! Travels beside the call that runs the statement. If the statement has parameters, the call has one argument for each:
//! DuckDB binds the call anew for each execution, with the values.
struct PushedStatement : public duckdb::TableFunctionInfo {
	PushedStatement(StatementKind kind, SentStatement sent);
	explicit PushedStatement(duckdb::unique_ptr<duckdb::QueryNode> node);

	bool HasParameters() const {
		return !parameters.empty();
	}
	//! The statement with `values` in the places of its parameters, which are in the order of `parameters`.
	duckdb::unique_ptr<duckdb::QueryNode> WithValues(const duckdb::vector<duckdb::Value> &values) const;

	StatementKind kind;
	//! Null if the statement is not built around a query node
	duckdb::shared_ptr<duckdb::QueryNode> node;
	//! Rows of the client that the statement reads as tables
	duckdb::vector<duckdb::shared_ptr<LocalInput>> inputs;
	//! Each parameter once
	duckdb::vector<duckdb::Identifier> parameters;
	//! Without values for the parameters
	SentStatement sent;
};

} // namespace duckherder
