// Reads and changes lists by DuckDB's storage, without statements: these would need a transaction of their own.

#include "list_table.hpp"

#include "distributed_table.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/storage/data_table.hpp"
#include "duckdb/storage/table/append_state.hpp"
#include "duckdb/storage/table/delete_state.hpp"
#include "duckdb/storage/table/scan_state.hpp"
#include "duckdb/transaction/duck_transaction.hpp"
#include "duckdb/transaction/local_storage.hpp"

using namespace duckdb;

namespace duckling {

namespace {

void InChunks(const vector<LogicalType> &types, const std::vector<vector<Value>> &rows,
              const std::function<void(DataChunk &)> &append) {
	DataChunk chunk;
	chunk.Initialize(Allocator::DefaultAllocator(), types);
	for (idx_t row = 0; row < rows.size(); row++) {
		for (idx_t column = 0; column < types.size(); column++) {
			chunk.data[column].Append(rows[row][column]);
		}
		if (chunk.size() == STANDARD_VECTOR_SIZE || row + 1 == rows.size()) {
			append(chunk);
			chunk.Reset();
		}
	}
}

} // namespace

string ListDefinition::CreateSql(const string &quoted_schema) const {
	vector<string> definitions;
	for (auto &column : columns) {
		definitions.push_back(string(column.first) + " " + column.second.ToString());
	}
	return "CREATE TABLE IF NOT EXISTS " + quoted_schema + "." + name + " (" + StringUtil::Join(definitions, ", ") + ")";
}

vector<LogicalType> ListDefinition::Types() const {
	vector<LogicalType> result;
	for (auto &column : columns) {
		result.push_back(column.second);
	}
	return result;
}

ListTable::ListTable(ClientContext &context_p, Catalog &catalog_p, const ListDefinition &definition)
    : context(context_p), catalog(catalog_p), types(definition.Types()) {
	auto found = catalog.GetEntry<TableCatalogEntry>(context, Identifier(LIST_SCHEMA), Identifier(definition.name),
	                                                 OnEntryNotFound::RETURN_NULL);
	if (found && found->GetTypes() != types) {
		throw InvalidInputException("The database \"%s\" was made by another version of the server: its table %s.%s has other columns",
		                            catalog.GetName().GetIdentifierName(), LIST_SCHEMA, definition.name);
	}
	if (!found) {
		throw InvalidInputException("The database \"%s\" does not list files of distributed tables in %s.%s: start the "
		                            "server with --storage DIR, which makes it do so",
		                            catalog.GetName().GetIdentifierName(), LIST_SCHEMA, definition.name);
	}
	entry = &found->Cast<DuckTableEntry>();
}

void ListTable::Scan(const Visitor &visit) {
	Scan(nullptr, visit);
}

void ListTable::Scan(const string &table_id, const Visitor &visit) {
	Scan(&table_id, visit);
}

void ListTable::Scan(const string *table_id, const Visitor &visit) {
	vector<StorageIndex> columns;
	for (idx_t i = 0; i < types.size(); i++) {
		columns.emplace_back(i);
	}
	columns.emplace_back(COLUMN_IDENTIFIER_ROW_ID);
	auto chunk_types = types;
	chunk_types.push_back(LogicalType::ROW_TYPE);
	auto &transaction = DuckTransaction::Get(context, catalog);
	TableScanState state;
	entry->GetStorage().InitializeScan(context, transaction, state, columns);
	DataChunk chunk;
	chunk.Initialize(context, chunk_types);
	while (true) {
		chunk.Reset();
		entry->GetStorage().Scan(transaction, chunk, state);
		if (chunk.size() == 0) {
			return;
		}
		for (idx_t row = 0; row < chunk.size(); row++) {
			if (table_id && StringValue::Get(chunk.GetValue(0, row)) != *table_id) {
				continue;
			}
			vector<Value> values;
			for (idx_t column = 0; column < types.size(); column++) {
				values.push_back(chunk.GetValue(column, row));
			}
			visit(values, BigIntValue::Get(chunk.GetValue(types.size(), row)));
		}
	}
}

void ListTable::Append(const std::vector<vector<Value>> &rows) {
	InChunks(types, rows, [&](DataChunk &chunk) { entry->GetStorage().LocalAppend(*entry, context, chunk, {}); });
}

void ListTable::AppendAtCommit(DuckTransaction &transaction, DuckTableEntry &entry, const std::vector<vector<Value>> &rows) {
	LocalAppendState state;
	LocalStorage::Get(transaction).InitializeAppend(state, entry.GetStorage(), entry);
	InChunks(entry.GetTypes(), rows, [&](DataChunk &chunk) { LocalStorage::Append(state, entry, chunk); });
	LocalStorage::FinalizeAppend(state);
}

void ListTable::Remove(const std::vector<row_t> &rows) {
	if (rows.empty()) {
		return;
	}
	auto state = entry->GetStorage().InitializeDelete(*entry, context, {});
	for (auto row : rows) {
		Vector id(Value::BIGINT(row), count_t(1));
		entry->GetStorage().Delete(*state, context, *entry, id, 1);
	}
}

} // namespace duckling
