// Rows of a table of the same database.

#include "table_files.hpp"

#include "distributed_table.hpp"
#include "engine_internal.hpp"
#include "list_table.hpp"
#include "table_columns.hpp"
#include "table_snapshots.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/file_system.hpp"
#include "duckdb/common/types/uuid.hpp"
#include "duckdb/parser/keyword_helper.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

enum Column : idx_t {
	TABLE_ID,
	PATH,
	ROW_COUNT,
	FILE_SIZE,
	CHECKSUM,
	FILE_VERSION,
	COLUMN_STATISTICS,
	COLUMN_IDS,
	COLUMN_NAMES,
	PARTITION_VALUES,
	ADDED_BY,
	REMOVED_BY
};

ListDefinition FilesList() {
	return {"files",
	        {{"table_id", LogicalType::VARCHAR},
	         {"path", LogicalType::VARCHAR},
	         {"row_count", LogicalType::UBIGINT},
	         {"file_size_bytes", LogicalType::UBIGINT},
	         {"checksum", LogicalType::VARCHAR},
	         {"file_version", LogicalType::VARCHAR},
	         {"column_statistics", StatisticsType()},
	         {"column_ids", LogicalType::LIST(LogicalType::BIGINT)},
	         {"column_names", LogicalType::LIST(LogicalType::VARCHAR)},
	         {"partition_values", LogicalType::LIST(LogicalType::VARCHAR)},
	         {"added_by", LogicalType::VARCHAR}}};
}

ListDefinition FormerFilesList() {
	auto result = FilesList();
	result.name = "former_files";
	result.columns.emplace_back("removed_by", LogicalType::VARCHAR);
	return result;
}

std::vector<string> TextsOf(const Value &value) {
	std::vector<string> result;
	for (auto &text : ListValue::GetChildren(value)) {
		result.push_back(StringValue::Get(text));
	}
	return result;
}

TableFile FileOf(const vector<Value> &row, row_t id) {
	return {StringValue::Get(row[PATH]),
	        UBigIntValue::Get(row[ROW_COUNT]),
	        UBigIntValue::Get(row[FILE_SIZE]),
	        StringValue::Get(row[CHECKSUM]),
	        StringValue::Get(row[FILE_VERSION]),
	        row[COLUMN_STATISTICS],
	        ColumnIdsOf(row[COLUMN_IDS]),
	        TextsOf(row[COLUMN_NAMES]),
	        TextsOf(row[PARTITION_VALUES]),
	        StringValue::Get(row[ADDED_BY]),
	        row.size() > REMOVED_BY ? StringValue::Get(row[REMOVED_BY]) : "",
	        id};
}

vector<Value> RowOf(const string &table_id, const TableFile &file, const string &added_by) {
	return {Value(table_id),
	        Value(file.path),
	        Value::UBIGINT(file.row_count),
	        Value::UBIGINT(file.file_size_bytes),
	        Value(file.checksum),
	        Value(file.file_version),
	        file.column_statistics,
	        ColumnIdsValue(file.column_ids),
	        TextsValue(file.column_names),
	        TextsValue(file.partition_values),
	        Value(added_by)};
}

std::vector<TableFile> ScanFiles(ListTable list, const string &table_id) {
	std::vector<TableFile> result;
	list.Scan(table_id, [&](const vector<Value> &row, row_t id) { result.push_back(FileOf(row, id)); });
	return result;
}

void RemoveRows(ListTable list, const std::vector<TableFile> &files) {
	std::vector<row_t> rows;
	for (auto &file : files) {
		rows.push_back(file.list_row);
	}
	list.Remove(rows);
}

//! One row: the name of the folder.
ListDefinition FolderList() {
	return {"storage", {{"folder", LogicalType::VARCHAR}}};
}

} // namespace

string DatabaseFolder(ClientContext &context, Catalog &catalog) {
	string result;
	ListTable(context, catalog, FolderList()).Scan([&](const vector<Value> &row, row_t) { result = StringValue::Get(row[0]); });
	return result;
}

string TableFolder(ClientContext &context, Catalog &catalog, const string &table_id) {
	return DatabaseFolder(context, catalog) + "/" + table_id;
}

std::set<string> ListedPaths(ClientContext &context, Catalog &catalog, bool with_former_files) {
	std::set<string> result;
	auto add = [&](const vector<Value> &row, row_t) { result.insert(StringValue::Get(row[PATH])); };
	ListTable(context, catalog, FilesList()).Scan(add);
	if (with_former_files) {
		ListTable(context, catalog, FormerFilesList()).Scan(add);
	}
	return result;
}

void RemoveTablesBut(ClientContext &context, Catalog &catalog, const std::set<string> &table_ids) {
	for (auto &definition : {FilesList(), FormerFilesList(), SnapshotsList(), ColumnsList()}) {
		ListTable list(context, catalog, definition);
		std::vector<row_t> removed;
		list.Scan([&](const vector<Value> &row, row_t id) {
			if (!table_ids.count(StringValue::Get(row[TABLE_ID]))) {
				removed.push_back(id);
			}
		});
		list.Remove(removed);
	}
}

string NewFileName() {
	return UUID::ToString(UUIDv7::GenerateRandomUUID()) + ".parquet";
}

optional<string> StatisticOf(const Value &column_statistics, const string &column, const string &name) {
	auto key = KeywordHelper::WriteQuoted(column, '"');
	for (auto &entry : MapValue::GetChildren(column_statistics)) {
		auto &of_column = StructValue::GetChildren(entry);
		if (StringValue::Get(of_column[0]) != key) {
			continue;
		}
		for (auto &statistic : MapValue::GetChildren(of_column[1])) {
			auto &name_and_value = StructValue::GetChildren(statistic);
			if (StringValue::Get(name_and_value[0]) == name && !name_and_value[1].IsNull()) {
				return StringValue::Get(name_and_value[1]);
			}
		}
	}
	return {};
}

LogicalType StatisticsType() {
	return LogicalType::MAP(LogicalType::VARCHAR, LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR));
}

Value TextsValue(const std::vector<string> &texts) {
	vector<Value> values(texts.begin(), texts.end());
	return Value::LIST(LogicalType::VARCHAR, std::move(values));
}

Value ColumnIdsValue(const ColumnIds &ids) {
	vector<Value> values;
	for (auto id : ids) {
		values.push_back(Value::BIGINT(id));
	}
	return Value::LIST(LogicalType::BIGINT, std::move(values));
}

ColumnIds ColumnIdsOf(const Value &value) {
	ColumnIds result;
	for (auto &id : ListValue::GetChildren(value)) {
		result.push_back(BigIntValue::Get(id));
	}
	return result;
}

std::vector<TableFile> ListFiles(ClientContext &context, TableCatalogEntry &table) {
	return ScanFiles(ListTable(context, table.catalog, FilesList()), TableId(table));
}

std::vector<TableFile> ListFormerFiles(ClientContext &context, Catalog &catalog, const string &table_id) {
	return ScanFiles(ListTable(context, catalog, FormerFilesList()), table_id);
}

void AddFiles(ClientContext &context, Catalog &catalog, const string &table_id, const std::vector<TableFile> &files) {
	if (files.empty()) {
		return;
	}
	auto change = TableTransactions::Get(catalog).NoteChange(context, table_id);
	std::vector<vector<Value>> rows;
	for (auto &file : files) {
		rows.push_back(RowOf(table_id, file, change));
	}
	ListTable(context, catalog, FilesList()).Append(rows);
}

void RemoveFiles(ClientContext &context, Catalog &catalog, const string &table_id, const std::vector<TableFile> &files) {
	if (files.empty()) {
		return;
	}
	auto change = TableTransactions::Get(catalog).NoteChange(context, table_id);
	RemoveRows(ListTable(context, catalog, FilesList()), files);
	std::vector<vector<Value>> former;
	for (auto &file : files) {
		// No snapshot has what the same transaction has added
		if (file.added_by != change) {
			former.push_back(RowOf(table_id, file, file.added_by));
			former.back().push_back(Value(change));
		}
	}
	ListTable(context, catalog, FormerFilesList()).Append(former);
}

void ForgetFormerFiles(ClientContext &context, Catalog &catalog, const std::vector<TableFile> &files) {
	RemoveRows(ListTable(context, catalog, FormerFilesList()), files);
}

} // namespace duckling

dh_engine_error *dh_engine_connection_create_file_list(dh_engine_connection *connection, dh_engine_str database) noexcept {
	return Guard([&]() {
		auto schema = KeywordHelper::WriteQuoted(duckling::ToString(database), '"') + "." + duckling::LIST_SCHEMA;
		auto sql = "CREATE SCHEMA IF NOT EXISTS " + schema + "; " + duckling::FilesList().CreateSql(schema) + "; " +
		           duckling::FormerFilesList().CreateSql(schema) + "; " + duckling::SnapshotsList().CreateSql(schema) + "; " +
		           duckling::ColumnsList().CreateSql(schema) + "; CREATE TABLE IF NOT EXISTS " + schema +
		           ".storage AS SELECT uuidv7()::VARCHAR AS folder";
		auto result = connection->connection->Query(sql);
		if (result->HasError()) {
			result->ThrowError();
		}
		auto &context = *connection->connection->context;
		context.RunFunctionInTransaction([&]() {
			auto &catalog = duckdb::Catalog::GetCatalog(context, Identifier(duckling::ToString(database)));
			auto &fs = duckdb::FileSystem::GetFileSystem(context);
			auto folder = duckling::StoredPath(context, duckling::DatabaseFolder(context, catalog));
			if (fs.DirectoryExists(folder)) {
				return;
			}
			// If the database lists files and the folder is not there, its storage is not
			if (duckling::ListedPaths(context, catalog, true).empty()) {
				fs.CreateDirectoriesRecursive(folder);
			} else if (duckdb::FileSystem::IsRemoteFile(folder)) {
				// Nobody would notice when something is written there: object stores have no folders
				throw IOException("The storage of distributed tables is not what it was: database \"%s\" lists files, and there are none "
				                  "below \"%s\"",
				                  duckling::ToString(database), folder);
			}
		});
	});
}
