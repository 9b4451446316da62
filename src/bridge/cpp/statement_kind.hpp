// What a statement is, as far as its text tells.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/common/enums/statement_type.hpp"
#include "duckdb/common/optional.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"

namespace duckherder {

enum class StatementKind {
	//! A SELECT; it may still write, by a function or a CTE
	QUERY,
	//! INSERT, UPDATE, DELETE or MERGE without RETURNING
	CHANGES_ROWS,
	//! The same with RETURNING
	CHANGES_AND_RETURNS,
	CREATES,
	CREATES_WITH_ROWS,
	DROPS_OR_ALTERS,
	//! Only the server can tell
	UNKNOWN
};

StatementKind KindOf(const duckdb::QueryNode &node);
StatementKind KindOf(const duckdb::SQLStatement &statement);
//! Of a statement as its user wrote it.
StatementKind KindOf(const std::string &sql);

//! The result of a statement: one column.
struct StatementShape {
	const char *name;
	duckdb::LogicalType type;
	duckdb::StatementReturnType return_type;
};

//! The result that DuckDB gives all statements of a kind, if it is the same for all of them.
duckdb::optional<StatementShape> ShapeOf(StatementKind kind);

} // namespace duckherder
