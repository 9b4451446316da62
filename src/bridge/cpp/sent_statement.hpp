// A statement for a server, and how what the server finds wrong with it is found in the user's own text.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"

namespace duckherder {

class RemoteCatalog;

class SentStatement {
public:
	//! Of our own making: no position in it means anything to the user.
	explicit SentStatement(std::string sql);
	//! Printed from what was parsed, which still knows where the user wrote each of its parts.
	explicit SentStatement(duckdb::shared_ptr<duckdb::QueryNode> node);
	explicit SentStatement(duckdb::shared_ptr<duckdb::SQLStatement> statement);
	//! The user's text, as it is.
	static SentStatement AsWritten(std::string sql);
	//! A text that is but an argument of what the user wrote.
	static SentStatement AsArgument(std::string sql);

	//! The same behind something else, such as EXPLAIN.
	SentStatement Behind(const std::string &prefix) const;

	const std::string &Sql() const {
		return sql;
	}
	//! Throw the exception that `error` describes, if there is one, with its position in the user's text and the user's name
	//! of the catalog.
	void Check(dh_error *error, RemoteCatalog &catalog) const;

private:
	enum class Origin { OURS, PRINTED, WRITTEN, ARGUMENT };

	duckdb::QueryLocation Find(duckdb::QueryLocation place) const;

	std::string sql;
	Origin origin;
	//! Length of what precedes the statement
	duckdb::idx_t prefix = 0;
	//! One of them, if it was printed
	duckdb::shared_ptr<duckdb::QueryNode> node;
	duckdb::shared_ptr<duckdb::SQLStatement> statement;
};

} // namespace duckherder
