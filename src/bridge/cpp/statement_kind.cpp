// What a statement is, as far as its text tells.

#include "statement_kind.hpp"

#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/query_node/delete_query_node.hpp"
#include "duckdb/parser/query_node/insert_query_node.hpp"
#include "duckdb/parser/query_node/merge_query_node.hpp"
#include "duckdb/parser/query_node/update_query_node.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/delete_statement.hpp"
#include "duckdb/parser/statement/insert_statement.hpp"
#include "duckdb/parser/statement/merge_into_statement.hpp"
#include "duckdb/parser/statement/update_statement.hpp"

using namespace duckdb;

namespace duckherder {

template <class NODE>
static StatementKind KindOfChange(const QueryNode &node) {
	return node.Cast<NODE>().returning_list.empty() ? StatementKind::CHANGES_ROWS
	                                                         : StatementKind::CHANGES_AND_RETURNS;
}

StatementKind KindOf(const QueryNode &node) {
	switch (node.type) {
	case QueryNodeType::SELECT_NODE:
	case QueryNodeType::SET_OPERATION_NODE:
	case QueryNodeType::RECURSIVE_CTE_NODE:
		return StatementKind::QUERY;
	case QueryNodeType::INSERT_QUERY_NODE:
		return KindOfChange<InsertQueryNode>(node);
	case QueryNodeType::UPDATE_QUERY_NODE:
		return KindOfChange<UpdateQueryNode>(node);
	case QueryNodeType::DELETE_QUERY_NODE:
		return KindOfChange<DeleteQueryNode>(node);
	case QueryNodeType::MERGE_QUERY_NODE:
		return KindOfChange<MergeQueryNode>(node);
	default:
		return StatementKind::UNKNOWN;
	}
}

static StatementKind KindOfCreate(const CreateInfo &info) {
	switch (info.type) {
	case CatalogType::TABLE_ENTRY:
		return info.Cast<CreateTableInfo>().query ? StatementKind::CREATES_WITH_ROWS : StatementKind::CREATES;
	case CatalogType::VIEW_ENTRY:
	case CatalogType::SCHEMA_ENTRY:
	case CatalogType::INDEX_ENTRY:
	case CatalogType::SEQUENCE_ENTRY:
	case CatalogType::TYPE_ENTRY:
	case CatalogType::MACRO_ENTRY:
	case CatalogType::TABLE_MACRO_ENTRY:
		return StatementKind::CREATES;
	default:
		return StatementKind::UNKNOWN;
	}
}

StatementKind KindOf(const SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::SELECT_STATEMENT:
		return StatementKind::QUERY;
	case StatementType::INSERT_STATEMENT:
		return KindOf(*statement.Cast<InsertStatement>().node);
	case StatementType::UPDATE_STATEMENT:
		return KindOf(*statement.Cast<UpdateStatement>().node);
	case StatementType::DELETE_STATEMENT:
		return KindOf(*statement.Cast<DeleteStatement>().node);
	case StatementType::MERGE_INTO_STATEMENT:
		return KindOf(*statement.Cast<MergeIntoStatement>().node);
	case StatementType::CREATE_STATEMENT:
		return KindOfCreate(*statement.Cast<CreateStatement>().info);
	case StatementType::DROP_STATEMENT:
	case StatementType::ALTER_STATEMENT:
		return StatementKind::DROPS_OR_ALTERS;
	default:
		return StatementKind::UNKNOWN;
	}
}

StatementKind KindOf(const string &sql) {
	// The server may have parser extensions that this client has not, so what cannot be read here may be right
	try {
		auto parser = Parser::GetBuiltinParser();
		parser.ParseQuery(sql);
		return parser.statements.size() == 1 ? KindOf(*parser.statements[0]) : StatementKind::UNKNOWN;
	} catch (const Exception &) {
		return StatementKind::UNKNOWN;
	}
}

optional<StatementShape> ShapeOf(StatementKind kind) {
	switch (kind) {
	case StatementKind::CHANGES_ROWS:
	case StatementKind::CREATES_WITH_ROWS:
		return StatementShape {"Count", LogicalType::BIGINT, StatementReturnType::CHANGED_ROWS};
	case StatementKind::CREATES:
		return StatementShape {"Count", LogicalType::BIGINT, StatementReturnType::NOTHING};
	case StatementKind::DROPS_OR_ALTERS:
		return StatementShape {"Success", LogicalType::BOOLEAN, StatementReturnType::NOTHING};
	default:
		return optional<StatementShape>();
	}
}

} // namespace duckherder
