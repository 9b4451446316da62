// Names of what fragments read and return.
#pragma once

#include "duckdb/parser/query_node/select_node.hpp"

namespace duckling {

//! Of the column at `index` of whatever a stage or a scan returns.
duckdb::Identifier ColumnName(duckdb::idx_t index);
duckdb::unique_ptr<duckdb::TableRef> TableNamed(const std::string &name);
//! The first `count` columns of a table; its rows if that is none.
duckdb::unique_ptr<duckdb::SelectNode> SelectColumns(const std::string &table, duckdb::idx_t count);

//! The type as which a column travels: an aggregate's state loses its name in Arrow.
duckdb::LogicalType SentType(const duckdb::LogicalType &type);
//! `column`, which was sent, as the state of type `type` that it was.
duckdb::unique_ptr<duckdb::ParsedExpression> StateOf(const duckdb::LogicalType &type,
                                                     duckdb::unique_ptr<duckdb::ParsedExpression> column);

} // namespace duckling
