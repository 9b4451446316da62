// Reads and changes the list of files by DuckDB's storage, without statements: these would need a transaction of their own.

#include "table_files.hpp"

#include "distributed_table.hpp"
#include "engine_internal.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/storage/data_table.hpp"
#include "duckdb/storage/table/delete_state.hpp"
#include "duckdb/storage/table/scan_state.hpp"
#include "duckdb/transaction/duck_transaction.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

constexpr const char *LIST_TABLE = "files";

enum Column : idx_t { TABLE_ID, PATH, ROW_COUNT, FILE_SIZE, CHECKSUM, COLUMN_STATISTICS, COLUMN_COUNT };

LogicalType StatisticsType() {
	return LogicalType::MAP(LogicalType::VARCHAR, LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR));
}

vector<LogicalType> ColumnTypes() {
	return {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::UBIGINT,
	        LogicalType::UBIGINT, LogicalType::VARCHAR, StatisticsType()};
}

DuckTableEntry &FindList(ClientContext &context, Catalog &catalog) {
	auto entry = catalog.GetEntry<TableCatalogEntry>(context, Identifier(LIST_SCHEMA), Identifier(LIST_TABLE),
	                                                 OnEntryNotFound::RETURN_NULL);
	if (!entry || entry->GetTypes() != ColumnTypes()) {
		throw InvalidInputException("The database \"%s\" does not list files of distributed tables in %s.%s: start the "
		                            "server with --storage DIR, which makes it do so",
		                            catalog.GetName().GetIdentifierName(), LIST_SCHEMA, LIST_TABLE);
	}
	return entry->Cast<DuckTableEntry>();
}

} // namespace

string CreateListSql(const string &quoted_database) {
	auto schema = quoted_database + "." + LIST_SCHEMA;
	return "CREATE SCHEMA IF NOT EXISTS " + schema + "; CREATE TABLE IF NOT EXISTS " + schema + "." + LIST_TABLE +
	       " (table_id VARCHAR, path VARCHAR, row_count UBIGINT, file_size_bytes UBIGINT, checksum VARCHAR, "
	       "column_statistics MAP(VARCHAR, MAP(VARCHAR, VARCHAR)))";
}

vector<TableFile> ListFiles(ClientContext &context, TableCatalogEntry &table) {
	auto &catalog = table.ParentCatalog();
	auto &list = FindList(context, catalog);
	auto &transaction = DuckTransaction::Get(context, catalog);
	auto id = TableId(table);
	vector<StorageIndex> columns;
	for (idx_t i = 0; i < COLUMN_COUNT; i++) {
		columns.emplace_back(i);
	}
	columns.emplace_back(COLUMN_IDENTIFIER_ROW_ID);
	auto types = ColumnTypes();
	types.push_back(LogicalType::ROW_TYPE);
	TableScanState state;
	list.GetStorage().InitializeScan(context, transaction, state, columns);
	DataChunk chunk;
	chunk.Initialize(context, types);
	vector<TableFile> result;
	while (true) {
		chunk.Reset();
		list.GetStorage().Scan(transaction, chunk, state);
		if (chunk.size() == 0) {
			return result;
		}
		for (idx_t row = 0; row < chunk.size(); row++) {
			auto value = [&](idx_t column) { return chunk.GetValue(column, row); };
			if (StringValue::Get(value(TABLE_ID)) != id) {
				continue;
			}
			result.push_back({StringValue::Get(value(PATH)), UBigIntValue::Get(value(ROW_COUNT)),
			                  UBigIntValue::Get(value(FILE_SIZE)), StringValue::Get(value(CHECKSUM)),
			                  value(COLUMN_STATISTICS), BigIntValue::Get(value(COLUMN_COUNT))});
		}
	}
}

void AddFiles(ClientContext &context, Catalog &catalog, const string &table_id, const vector<TableFile> &files) {
	if (files.empty()) {
		return;
	}
	auto &list = FindList(context, catalog);
	DataChunk chunk;
	chunk.Initialize(context, ColumnTypes());
	auto flush = [&]() {
		list.GetStorage().LocalAppend(list, context, chunk, {});
		chunk.Reset();
	};
	for (auto &file : files) {
		chunk.data[TABLE_ID].Append(Value(table_id));
		chunk.data[PATH].Append(Value(file.path));
		chunk.data[ROW_COUNT].Append(Value::UBIGINT(file.row_count));
		chunk.data[FILE_SIZE].Append(Value::UBIGINT(file.file_size_bytes));
		chunk.data[CHECKSUM].Append(Value(file.checksum));
		chunk.data[COLUMN_STATISTICS].Append(file.column_statistics);
		if (chunk.size() == STANDARD_VECTOR_SIZE) {
			flush();
		}
	}
	if (chunk.size() > 0) {
		flush();
	}
}

void RemoveFiles(ClientContext &context, Catalog &catalog, const vector<TableFile> &files) {
	auto &list = FindList(context, catalog);
	auto state = list.GetStorage().InitializeDelete(list, context, {});
	for (auto &file : files) {
		Vector row(Value::BIGINT(file.list_row), count_t(1));
		if (list.GetStorage().Delete(*state, context, list, row, 1) != 1) {
			throw TransactionException("Conflict: file \"%s\" has been changed in the same statement already", file.path);
		}
	}
}

} // namespace duckling

dh_engine_error *dh_engine_connection_create_file_list(dh_engine_connection *connection, dh_engine_str database) noexcept {
	return Guard([&]() {
		auto name = KeywordHelper::WriteQuoted(duckling::ToString(database), '"');
		auto result = connection->connection->Query(duckling::CreateListSql(name));
		if (result->HasError()) {
			result->ThrowError();
		}
	});
}
