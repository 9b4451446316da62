// Rows of a table of the same database, one for each distributed table that has been altered.

#include "table_columns.hpp"

#include "distributed_table.hpp"

using namespace duckdb;

namespace duckling {

namespace {

enum Column : idx_t { TABLE_ID, COLUMN_IDS, NEXT_ID, INITIAL_VALUES };

} // namespace

ListDefinition ColumnsList() {
	return {"columns",
	        {{"table_id", LogicalType::VARCHAR},
	         {"column_ids", LogicalType::LIST(LogicalType::BIGINT)},
	         {"next_column_id", LogicalType::BIGINT},
	         {"initial_values", LogicalType::MAP(LogicalType::BIGINT, LogicalType::BLOB)}}};
}

ColumnIds FirstColumnIds(idx_t count) {
	ColumnIds result;
	for (idx_t i = 0; i < count; i++) {
		result.push_back(NumericCast<int64_t>(i + 1));
	}
	return result;
}

TableColumns ListColumns(ClientContext &context, TableCatalogEntry &table) {
	auto count = table.GetColumns().PhysicalColumnCount();
	TableColumns result {FirstColumnIds(count), NumericCast<int64_t>(count + 1)};
	ListTable(context, table.catalog, ColumnsList()).Scan(TableId(table), [&](const vector<Value> &row, row_t id) {
		result.ids = ColumnIdsOf(row[COLUMN_IDS]);
		result.next_id = BigIntValue::Get(row[NEXT_ID]);
		for (auto &entry : MapValue::GetChildren(row[INITIAL_VALUES])) {
			auto &pair = StructValue::GetChildren(entry);
			result.initial_values[BigIntValue::Get(pair[0])] = StringValue::Get(pair[1]);
		}
		result.list_row = id;
	});
	if (result.ids.size() != count) {
		throw IOException("Table \"%s\" has %d columns, but %d are listed in %s.columns: it was altered by another program",
		                  table.name.GetIdentifierName(), count, result.ids.size(), LIST_SCHEMA);
	}
	return result;
}

void ReplaceColumns(ClientContext &context, Catalog &catalog, const string &table_id, const TableColumns &columns) {
	ListTable list(context, catalog, ColumnsList());
	if (columns.list_row >= 0) {
		list.Remove({columns.list_row});
	}
	vector<Value> ids, values;
	for (auto &entry : columns.initial_values) {
		ids.push_back(Value::BIGINT(entry.first));
		values.push_back(Value::BLOB_RAW(entry.second));
	}
	list.Append({{Value(table_id), ColumnIdsValue(columns.ids), Value::BIGINT(columns.next_id),
	              Value::MAP(LogicalType::BIGINT, LogicalType::BLOB, std::move(ids), std::move(values))}});
}

} // namespace duckling
