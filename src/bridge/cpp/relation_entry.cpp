// Tables and views of an attached server.

#include "relation_entry.hpp"

#include "schema_entry.hpp"
#include "table_scan.hpp"
#include "transaction.hpp"

#include "duckdb/catalog/catalog_entry/view_catalog_entry.hpp"
#include "duckdb/parser/constraints/not_null_constraint.hpp"
#include "duckdb/parser/constraints/unique_constraint.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"
#include "duckdb/storage/table_storage_info.hpp"

using namespace duckdb;

namespace duckherder {

//! Parse the CREATE statement that the server printed.
static unique_ptr<CreateInfo> ParseCreate(const string &sql) {
	// What the server printed is DuckDB's own SQL, whatever parser extensions this client has
	auto parser = Parser::GetBuiltinParser();
	parser.ParseQuery(sql);
	if (parser.statements.size() != 1 || parser.statements[0]->type != StatementType::CREATE_STATEMENT) {
		throw InvalidInputException("The server describes a relation by something else than one CREATE: %s", sql);
	}
	return std::move(parser.statements[0]->Cast<CreateStatement>().info);
}

//! The parsed statement names types as the user did; the server's resolved types replace them.
static void ResolveColumnTypes(ClientContext &context, CreateTableInfo &info, const dh_relation &relation) {
	if (info.columns.LogicalColumnCount() != relation.column_count) {
		throw InvalidInputException("The server describes table \"%s\" by %llu columns and a CREATE of %llu",
		                            ToString(relation.name), (uint64_t)relation.column_count,
		                            (uint64_t)info.columns.LogicalColumnCount());
	}
	for (idx_t i = 0; i < relation.column_count; i++) {
		auto &column = info.columns.GetColumnMutable(LogicalIndex(i));
		column.SetType(ParseType(context, relation.columns[i].type));
	}
}

//! The columns of a primary key are NOT NULL, which the printed CREATE leaves unsaid.
static void AddPrimaryKeyNotNull(CreateTableInfo &info) {
	vector<LogicalIndex> key;
	for (auto &constraint : info.constraints) {
		if (constraint->type != ConstraintType::UNIQUE || !constraint->Cast<UniqueConstraint>().IsPrimaryKey()) {
			continue;
		}
		for (auto &index : constraint->Cast<UniqueConstraint>().GetLogicalIndexes(info.columns)) {
			key.push_back(index);
		}
	}
	for (auto &column : key) {
		if (!info.FindNotNullConstraint(column).IsValid()) {
			info.constraints.push_back(make_uniq<NotNullConstraint>(column));
		}
	}
}

unique_ptr<CatalogEntry> MakeRelationEntry(ClientContext &context, RemoteSchema &schema, const dh_relation &relation) {
	auto info = ParseCreate(ToString(relation.sql));
	info->SetQualifiedName(schema.GetQualifiedName(Identifier(ToString(relation.name))));
	info->on_conflict = OnCreateConflict::ERROR_ON_CONFLICT;
	if (relation.comment.data) {
		info->comment = Value(ToString(relation.comment));
	}
	if (relation.kind == DH_RELATION_VIEW) {
		auto &view = info->Cast<CreateViewInfo>();
		view.types.clear();
		view.names.clear();
		for (idx_t i = 0; i < relation.column_count; i++) {
			view.types.push_back(ParseType(context, relation.columns[i].type));
			view.names.emplace_back(ToString(relation.columns[i].name));
		}
		return make_uniq<ViewCatalogEntry>(schema.catalog, schema, view);
	}
	auto &table = info->Cast<CreateTableInfo>();
	ResolveColumnTypes(context, table, relation);
	AddPrimaryKeyNotNull(table);
	return make_uniq<RemoteTable>(schema.catalog, schema, table, relation.estimated_rows);
}

RemoteTable::RemoteTable(Catalog &catalog, SchemaCatalogEntry &schema, CreateTableInfo &info, idx_t estimated_rows_p)
    : TableCatalogEntry(catalog, schema, info), columns(std::move(info.columns)), estimated_rows(estimated_rows_p) {
}

static unique_ptr<CreateInfo> RenamedInfo(const RemoteTable &table, SchemaCatalogEntry &schema, const Identifier &name) {
	auto info = table.GetInfo();
	info->SetQualifiedName(schema.GetQualifiedName(name));
	return info;
}

RemoteTable::RemoteTable(RemoteTable &table, SchemaCatalogEntry &schema, const Identifier &name)
    : TableCatalogEntry(table.catalog, schema, RenamedInfo(table, schema, name)->Cast<CreateTableInfo>()),
      columns(table.columns.Copy()), estimated_rows(table.EstimatedRows()), stored(table) {
}

unique_ptr<BaseStatistics> RemoteTable::GetStatistics(ClientContext &, column_t) {
	return nullptr;
}

TableFunction RemoteTable::GetScanFunction(ClientContext &context, unique_ptr<FunctionData> &bind_data) {
	RemoteTransaction::Get(context, catalog).BindsFirstSource();
	return TableScan(*this, bind_data);
}

TableStorageInfo RemoteTable::GetStorageInfo(ClientContext &) {
	TableStorageInfo info;
	info.cardinality = estimated_rows;
	return info;
}

virtual_column_map_t RemoteTable::GetVirtualColumns() const {
	auto result = TableCatalogEntry::GetVirtualColumns();
	// Lets count(*) scan no column at all
	result.insert(make_pair(COLUMN_IDENTIFIER_EMPTY, TableColumn("", LogicalType::BOOLEAN)));
	return result;
}

} // namespace duckherder
