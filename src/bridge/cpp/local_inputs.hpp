// Rows of the client that a statement of a server needs.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/table_function.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref.hpp"

namespace duckherder {

class RemoteCatalog;

//! A part of a statement that the client answers; the rest of the statement runs on the server, which gets the rows as a
//! table of that name. In a parsed statement it is a call of `duckherder_input`, with this beside it.
struct LocalInput : public duckdb::TableFunctionInfo {
	LocalInput(std::string name, duckdb::unique_ptr<duckdb::SelectStatement> query);

	std::string name;
	duckdb::unique_ptr<duckdb::SelectStatement> query;
};

//! Put local inputs into the places of everything that only the client can answer in a statement that changes a table of
//! `target`: whole queries where they stand for themselves, else the tables in them.
void ExtractLocalInputs(duckdb::ClientContext &context, RemoteCatalog &target, duckdb::SQLStatement &statement);

bool IsLocalInput(const duckdb::TableRef &ref);

//! Take the local inputs out of a statement: what remains reads tables of their names.
duckdb::vector<duckdb::shared_ptr<LocalInput>> TakeLocalInputs(duckdb::QueryNode &node);

//! Read as a table, a local input is its query.
duckdb::TableFunction InputFunction();

} // namespace duckherder
