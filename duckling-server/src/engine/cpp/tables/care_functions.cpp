// Each of them runs in the user's transaction, on what it sees.

#include "care_functions.hpp"

#include "alter_plan.hpp"
#include "distributed_table.hpp"
#include "durable_files.hpp"
#include "read_plan.hpp"
#include "table_files.hpp"
#include "table_snapshots.hpp"
#include "table_transactions.hpp"
#include "unlisted_files.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/common/file_system.hpp"
#include "duckdb/common/string_util.hpp"
#include "duckdb/common/types/interval.hpp"
#include "duckdb/function/table_function.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/planner/binder.hpp"

#include <map>

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *DEFAULT_OLDER_THAN = "1 hour";
//! Files that are as large are not compacted, and no larger ones are made of small ones
constexpr const char *DEFAULT_TARGET_SIZE = "128MB";

Catalog &DefaultCatalog(ClientContext &context) {
	return Catalog::GetCatalog(context, DatabaseManager::GetDefaultDatabase(context));
}

DuckTableEntry &FindTable(ClientContext &context, const string &name) {
	auto qualified = Binder::CreateBinder(context)->BindTableName(QualifiedName::Parse(name));
	auto &entry = *Catalog::GetEntry(context, EntryLookupInfo(CatalogType::TABLE_ENTRY, qualified),
	                                 OnEntryNotFound::THROW_EXCEPTION);
	if (!IsDistributed(entry)) {
		throw InvalidInputException("\"%s\" is no distributed table", name);
	}
	return entry.Cast<DuckTableEntry>();
}

std::vector<reference<DuckTableEntry>> AllTables(ClientContext &context, Catalog &catalog) {
	std::vector<reference<DuckTableEntry>> result;
	for (auto &schema : catalog.GetSchemas(context)) {
		schema.get().Scan(context, CatalogType::TABLE_ENTRY, [&](CatalogEntry &entry) {
			if (IsDistributed(entry)) {
				result.push_back(entry.Cast<DuckTableEntry>());
			}
		});
	}
	return result;
}

//! What the functions have in common: rows that are made when the first one is asked for.
struct CareData : public TableFunctionData {
	//! All of the database, if there is none
	DuckTableEntry *table = nullptr;
	Catalog *catalog = nullptr;
	interval_t older_than;
	std::vector<vector<Value>> (*run)(ClientContext &context, const CareData &data);

	std::vector<reference<DuckTableEntry>> Tables(ClientContext &context) const {
		if (table) {
			return {std::ref(*table)};
		}
		return AllTables(context, *catalog);
	}
};

struct CareState : public GlobalTableFunctionState {
	std::vector<vector<Value>> rows;
	idx_t next = 0;
};

unique_ptr<CareData> BindTable(ClientContext &context, TableFunctionBindInput &input) {
	auto result = make_uniq<CareData>();
	if (input.inputs[0].IsNull()) {
		result->catalog = &DefaultCatalog(context);
	} else {
		result->table = &FindTable(context, StringValue::Get(input.inputs[0]));
		result->catalog = &result->table->catalog;
	}
	// Whether there are files at all: without a storage there is nothing to look after
	StorageRoot(*context.db);
	input.binder->SetAlwaysRequireRebind();
	return result;
}

//! The same of a function that is not of all tables.
unique_ptr<CareData> BindOneTable(ClientContext &context, TableFunctionBindInput &input, const char *function) {
	if (input.inputs[0].IsNull()) {
		throw BinderException("%s(table) wants the name of a table", function);
	}
	return BindTable(context, input);
}

unique_ptr<GlobalTableFunctionState> InitCare(ClientContext &context, TableFunctionInitInput &input) {
	auto result = make_uniq<CareState>();
	auto &data = input.bind_data->Cast<CareData>();
	result->rows = data.run(context, data);
	return std::move(result);
}

void ScanCare(ClientContext &, TableFunctionInput &input, DataChunk &output) {
	auto &state = input.global_state->Cast<CareState>();
	idx_t count = 0;
	for (; count < STANDARD_VECTOR_SIZE && state.next < state.rows.size(); count++) {
		auto &row = state.rows[state.next++];
		for (idx_t column = 0; column < row.size(); column++) {
			output.data[column].SetValue(count, row[column]);
		}
	}
	output.SetChildCardinality(count);
}

void AddTableParameter(TableFunction &function) {
	function.GetSignature().AddParameter("table", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
}

std::vector<vector<Value>> RunFiles(ClientContext &context, const CareData &data) {
	std::vector<vector<Value>> result;
	for (auto &file : ListFiles(context, *data.table)) {
		result.push_back({Value(StoredPath(context, file.path)), Value::UBIGINT(file.row_count),
		                  Value::UBIGINT(file.file_size_bytes), Value(file.checksum),
		                  TextsValue(file.column_names), TextsValue(file.partition_values), file.column_statistics});
	}
	return result;
}

unique_ptr<FunctionData> BindFiles(ClientContext &context, TableFunctionBindInput &input, vector<LogicalType> &types,
                                   vector<Identifier> &names) {
	auto result = BindOneTable(context, input, "duckherder_table_files");
	result->run = RunFiles;
	names = {Identifier("path"),
	         Identifier("row_count"),
	         Identifier("file_size_bytes"),
	         Identifier("checksum"),
	         Identifier("column_names"),
	         Identifier("partition_values"),
	         Identifier("column_statistics")};
	types = {LogicalType::VARCHAR,
	         LogicalType::UBIGINT,
	         LogicalType::UBIGINT,
	         LogicalType::VARCHAR,
	         LogicalType::LIST(LogicalType::VARCHAR),
	         LogicalType::LIST(LogicalType::VARCHAR),
	         StatisticsType()};
	input.binder->GetStatementProperties().RegisterDBRead(*result->catalog, context);
	return std::move(result);
}

std::vector<vector<Value>> RunSnapshots(ClientContext &context, const CareData &data) {
	std::vector<vector<Value>> result;
	for (auto &snapshot : ListSnapshots(context, *data.table)) {
		result.push_back({Value::BIGINT(snapshot.version), Value::TIMESTAMPTZ(timestamp_tz_t(snapshot.committed_at)),
		                  Value::UBIGINT(snapshot.file_count), Value::UBIGINT(snapshot.row_count),
		                  Value::UBIGINT(snapshot.file_size_bytes)});
	}
	return result;
}

unique_ptr<FunctionData> BindSnapshots(ClientContext &context, TableFunctionBindInput &input, vector<LogicalType> &types,
                                       vector<Identifier> &names) {
	auto result = BindOneTable(context, input, "duckherder_snapshots");
	result->run = RunSnapshots;
	names = {Identifier("version"), Identifier("committed_at"), Identifier("file_count"), Identifier("row_count"),
	         Identifier("file_size_bytes")};
	types = {LogicalType::BIGINT, LogicalType::TIMESTAMP_TZ, LogicalType::UBIGINT, LogicalType::UBIGINT,
	         LogicalType::UBIGINT};
	input.binder->GetStatementProperties().RegisterDBRead(*result->catalog, context);
	return std::move(result);
}

//! What is wrong with a file; empty if nothing is.
string CheckFile(ClientContext &context, const TableFile &file) {
	auto path = StoredPath(context, file.path);
	if (!FileSystem::GetFileSystem(context).FileExists(path)) {
		return "missing";
	}
	try {
		if (Checksum(context, path) != file.checksum) {
			return "damaged: its checksum is another one";
		}
	} catch (const IOException &failure) {
		return string("unreadable: ") + ErrorData(failure).RawMessage();
	}
	return "";
}

std::vector<vector<Value>> RunCheck(ClientContext &context, const CareData &data) {
	std::vector<vector<Value>> result;
	for (auto &table : data.Tables(context)) {
		for (auto &file : ListFiles(context, table)) {
			auto problem = CheckFile(context, file);
			result.push_back({Value(table.get().name.GetIdentifierName()), Value(StoredPath(context, file.path)),
			                  Value::BOOLEAN(problem.empty()), problem.empty() ? Value(LogicalType::VARCHAR) : Value(problem)});
		}
	}
	return result;
}

unique_ptr<FunctionData> BindCheck(ClientContext &context, TableFunctionBindInput &input, vector<LogicalType> &types,
                                   vector<Identifier> &names) {
	auto result = BindTable(context, input);
	result->run = RunCheck;
	names = {Identifier("table_name"), Identifier("path"), Identifier("is_whole"), Identifier("problem")};
	types = {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::BOOLEAN, LogicalType::VARCHAR};
	input.binder->GetStatementProperties().RegisterDBRead(*result->catalog, context);
	return std::move(result);
}

std::vector<vector<Value>> RunVacuum(ClientContext &context, const CareData &data) {
	std::set<string> ids;
	for (auto &table : data.Tables(context)) {
		ids.insert(TableId(table));
	}
	if (!data.table) {
		// Of tables that are gone; the files can be removed as soon as this is committed, and nobody sees the tables
		RemoveTablesBut(context, *data.catalog, ids);
	}
	std::vector<vector<Value>> result;
	for (auto &file : RemoveUnlistedFiles(context, *data.catalog, data.table, ids, data.older_than)) {
		result.push_back({Value(file.path), Value::UBIGINT(file.file_size_bytes)});
	}
	return result;
}

unique_ptr<FunctionData> BindVacuum(ClientContext &context, TableFunctionBindInput &input, vector<LogicalType> &types,
                                    vector<Identifier> &names) {
	if (!context.transaction.IsAutoCommit()) {
		throw BinderException("duckherder_vacuum() cannot be part of a transaction: no ROLLBACK brings files back");
	}
	auto result = BindTable(context, input);
	result->run = RunVacuum;
	result->older_than = IntervalValue::Get(input.named_parameters["older_than"]);
	if (Interval::GetMicro(result->older_than) < 0) {
		throw BinderException("The argument \"older_than\" is negative");
	}
	names = {Identifier("path"), Identifier("file_size_bytes")};
	types = {LogicalType::VARCHAR, LogicalType::UBIGINT};
	input.binder->GetStatementProperties().RegisterDBModify(*result->catalog, context, DatabaseModificationType::DELETE_DATA);
	return std::move(result);
}

//! Files smaller than `target_bytes` of which others of the same partition can be made one.
std::vector<TableFile> CompactableFiles(ClientContext &context, TableCatalogEntry &table, idx_t target_bytes) {
	std::map<std::vector<string>, std::vector<TableFile>> small;
	for (auto &file : ListFiles(context, table)) {
		if (file.file_size_bytes < target_bytes) {
			small[file.partition_values].push_back(std::move(file));
		}
	}
	std::vector<TableFile> result;
	for (auto &partition : small) {
		if (partition.second.size() > 1) {
			result.insert(result.end(), partition.second.begin(), partition.second.end());
		}
	}
	return result;
}

unique_ptr<LogicalOperator> BindCompact(ClientContext &context, TableFunctionBindInput &input, TableIndex index,
                                        vector<Identifier> &names) {
	auto data = BindOneTable(context, input, "duckherder_compact");
	auto target = StringUtil::ParseFormattedBytes(StringValue::Get(input.named_parameters["target_size"]));
	names = {Identifier("row_count")};
	input.binder->GetStatementProperties().RegisterDBModify(
	    *data->catalog, context, DatabaseModificationType::INSERT_DATA | DatabaseModificationType::DELETE_DATA);
	auto gives_way = BooleanValue::Get(input.named_parameters["gives_way"]);
	if (gives_way) {
		if (!context.transaction.IsAutoCommit()) {
			throw BinderException("duckherder_compact(table, gives_way := true) cannot be part of a transaction");
		}
		// Before anything is written in vain
		TableTransactions::Get(*data->catalog).WaitUntilAlone(context);
	}
	return PlanCompaction(context, *input.binder, *data->table,
	                      {CompactableFiles(context, *data->table, target), gives_way}, index);
}

} // namespace

void RegisterCareFunctions(DatabaseInstance &instance) {
	ExtensionLoader loader(instance, "duckling");
	TableFunction files("duckherder_table_files", {}, ScanCare, BindFiles, InitCare);
	AddTableParameter(files);
	loader.RegisterFunction(files);
	TableFunction snapshots("duckherder_snapshots", {}, ScanCare, BindSnapshots, InitCare);
	AddTableParameter(snapshots);
	loader.RegisterFunction(snapshots);
	TableFunction check("duckherder_check", {}, ScanCare, BindCheck, InitCare);
	AddTableParameter(check);
	loader.RegisterFunction(check);
	TableFunction vacuum("duckherder_vacuum", {}, ScanCare, BindVacuum, InitCare);
	AddTableParameter(vacuum);
	vacuum.GetSignature().AddKeywordOnly("older_than", LogicalType::INTERVAL,
	                                     Value(DEFAULT_OLDER_THAN).DefaultCastAs(LogicalType::INTERVAL));
	loader.RegisterFunction(vacuum);
	TableFunction compact("duckherder_compact", {}, nullptr, nullptr);
	AddTableParameter(compact);
	compact.GetSignature().AddKeywordOnly("target_size", LogicalType::VARCHAR, Value(DEFAULT_TARGET_SIZE));
	compact.GetSignature().AddKeywordOnly("gives_way", LogicalType::BOOLEAN, Value::BOOLEAN(false));
	compact.bind_operator = BindCompact;
	loader.RegisterFunction(compact);
}

} // namespace duckling
