// What a change with RETURNING returns, found out without its server.

#include "returning.hpp"

#include "catalog.hpp"
#include "parsed_visitor.hpp"
#include "schema_entry.hpp"
#include "snapshot.hpp"
#include "transaction.hpp"

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/main/query_result.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/query_node/delete_query_node.hpp"
#include "duckdb/parser/query_node/insert_query_node.hpp"
#include "duckdb/parser/query_node/merge_query_node.hpp"
#include "duckdb/parser/query_node/update_query_node.hpp"
#include "duckdb/parser/statement/insert_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/operator/logical_dummy_scan.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

using Expressions = vector<unique_ptr<ParsedExpression>>;

//! DuckDB binds RETURNING nowhere else. An explicit instantiation may name what is private.
using BindReturning = BoundStatement (Binder::*)(Expressions, TableCatalogEntry &, const Identifier &, TableIndex,
                                                 unique_ptr<LogicalOperator>, virtual_column_map_t);
template <BindReturning METHOD>
struct Returning {
	friend BindReturning MethodOfBinder() {
		return METHOD;
	}
};
BindReturning MethodOfBinder();
template struct Returning<&Binder::BindReturning>;

//! What of a change its RETURNING is about.
struct Change {
	QualifiedName table;
	Identifier alias;
	Expressions *returning;
	//! Besides its columns the table has those of DuckDB's tables, or merge_action
	bool has_row_id = false;
	bool has_merge_action = false;
};

} // namespace

static optional<Change> ChangeOf(const TableRef &table, Expressions &returning) {
	if (table.type != TableReferenceType::BASE_TABLE) {
		return optional<Change>();
	}
	return Change {table.Cast<BaseTableRef>().GetQualifiedName(), table.alias, &returning};
}

static optional<Change> ChangeOf(QueryNode &node) {
	switch (node.type) {
	case QueryNodeType::INSERT_QUERY_NODE: {
		auto &insert = node.Cast<InsertQueryNode>();
		Change change {insert.qualified_name, insert.table_ref ? insert.table_ref->alias : Identifier(),
		               &insert.returning_list};
		// DuckDB makes a MERGE of it
		change.has_merge_action = insert.on_conflict_info != nullptr;
		return change;
	}
	case QueryNodeType::UPDATE_QUERY_NODE: {
		auto &update = node.Cast<UpdateQueryNode>();
		return ChangeOf(*update.table, update.returning_list);
	}
	case QueryNodeType::DELETE_QUERY_NODE: {
		auto &del = node.Cast<DeleteQueryNode>();
		auto change = ChangeOf(*del.table, del.returning_list);
		if (change) {
			change->has_row_id = true;
		}
		return change;
	}
	case QueryNodeType::MERGE_QUERY_NODE: {
		auto &merge = node.Cast<MergeQueryNode>();
		auto change = ChangeOf(*merge.target, merge.returning_list);
		if (change) {
			change->has_merge_action = true;
		}
		return change;
	}
	default:
		return optional<Change>();
	}
}

static optional_ptr<TableCatalogEntry> FindTable(ClientContext &context, RemoteCatalog &catalog, RemoteSnapshot &snapshot,
                                                 const QualifiedName &name) {
	auto path = name.Path();
	auto table = path.back();
	path.pop_back();
	if (!path.empty() && path.front() == catalog.ServerDatabase() && !snapshot.FindSchema({path.front()})) {
		path.erase(path.begin());
	}
	if (path.empty()) {
		path.emplace_back(DEFAULT_SCHEMA);
	}
	auto schema = snapshot.FindSchema(path);
	auto entry = schema ? schema->Find(context, CatalogType::TABLE_ENTRY, table) : nullptr;
	return entry && entry->type == CatalogType::TABLE_ENTRY ? &entry->Cast<TableCatalogEntry>() : nullptr;
}

static virtual_column_map_t VirtualColumns(const Change &change, const TableCatalogEntry &table) {
	virtual_column_map_t result;
	if (change.has_row_id) {
		result = table.GetVirtualColumns();
	}
	if (change.has_merge_action) {
		result.insert(make_pair(VIRTUAL_COLUMN_START, TableColumn("merge_action", LogicalType::VARCHAR)));
	}
	return result;
}

//! As the server will read the text: values of parameters are literals in it, and no name is the client's.
static optional<ResultShape> Bind(ClientContext &context, RemoteCatalog &catalog, const string &sql) {
	auto &transaction = RemoteTransaction::Get(context, catalog);
	auto snapshot = transaction.TryPeek();
	if (!snapshot) {
		return optional<ResultShape>();
	}
	auto parser = Parser::GetBuiltinParser();
	parser.ParseQuery(sql);
	auto node = parser.statements.size() == 1 ? NodeOf(*parser.statements[0]) : nullptr;
	auto change = node ? ChangeOf(*node) : optional<Change>();
	auto table = change ? FindTable(context, catalog, *snapshot, change->table) : nullptr;
	if (!table) {
		return optional<ResultShape>();
	}
	// Functions and types may be looked for in the catalog
	PeekGuard peeks_only(transaction);
	auto binder = Binder::CreateBinder(context);
	auto index = binder->GenerateTableIndex();
	auto bound = ((*binder).*MethodOfBinder())(std::move(*change->returning), *table, change->alias, index,
	                                           make_uniq<LogicalDummyScan>(index), VirtualColumns(*change, *table));
	ResultShape shape;
	shape.names = IdentifiersToStrings(bound.names);
	for (auto &type : bound.types) {
		shape.types.push_back(type.ToString());
	}
	return shape;
}

optional<ResultShape> ExpectedShape(ClientContext &context, RemoteCatalog &catalog, const string &sql) {
	try {
		return Bind(context, catalog, sql);
	} catch (const std::exception &) {
		// It is wrong, or only the server understands it: the server will say
		return optional<ResultShape>();
	}
}

} // namespace duckherder
