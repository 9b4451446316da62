// Makes files durable first and lists them then: whoever sees the list finds the files.

#include "record_files.hpp"

#include "crash_points.hpp"
#include "distributed_table.hpp"
#include "durable_files.hpp"
#include "rewritten_files.hpp"
#include "table_snapshots.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/execution/execution_context.hpp"

#include <algorithm>

using namespace duckdb;

namespace duckling {

namespace {

struct WrittenFiles : public GlobalSinkState {
	std::vector<TableFile> files;
	idx_t row_count = 0;
};

//! Of what COPY has told of a file, a map of column to value, or NULL; the columns were named in the order of the keys.
std::vector<string> PartitionValues(const Value &told) {
	if (told.IsNull()) {
		return {};
	}
	std::map<string, string> sorted;
	for (auto &entry : MapValue::GetChildren(told)) {
		auto &column_and_value = StructValue::GetChildren(entry);
		sorted[StringValue::Get(column_and_value[0])] = column_and_value[1].ToString();
	}
	std::vector<string> result;
	for (auto &entry : sorted) {
		result.push_back(entry.second);
	}
	return result;
}

struct ReturnState : public GlobalSourceState {
	ColumnDataScanState scan;
};

} // namespace

RecordFiles::RecordFiles(PhysicalPlan &plan, vector<LogicalType> types, Catalog &catalog_p, string table_id_p,
                         idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), estimated_cardinality), catalog(catalog_p),
      table_id(std::move(table_id_p)) {
}

string RecordFiles::GetName() const {
	return "LIST_FILES";
}

unique_ptr<GlobalSinkState> RecordFiles::GetGlobalSinkState(ClientContext &context) const {
	if (create && !catalog.CreateTable(catalog.GetCatalogTransaction(context), *schema, *create)) {
		throw TransactionException("Another transaction has created the table \"%s\"",
		                           create->Base().Cast<CreateTableInfo>().GetTableName().GetIdentifierName());
	}
	if (alter) {
		// Before rows flow: DuckDB refuses what they must not be checked against
		alter->Apply(context, catalog);
	}
	if (!folder.empty()) {
		CreateFolder(context, folder);
	}
	CrashPoint("before_write");
	return make_uniq<WrittenFiles>();
}

SinkResultType RecordFiles::Sink(ExecutionContext &context, DataChunk &chunk, OperatorSinkInput &input) const {
	auto &written = input.global_state.Cast<WrittenFiles>();
	auto root = StorageRoot(*context.client.db);
	for (idx_t row = 0; row < chunk.size(); row++) {
		auto path = StringValue::Get(chunk.GetValue(0, row));
		auto row_count = UBigIntValue::Get(chunk.GetValue(1, row));
		if (row_count == 0) {
			continue;
		}
		CrashPoint("after_write");
		for (auto &column : not_null) {
			auto nulls = StatisticOf(chunk.GetValue(4, row), column.name, "null_count");
			if (!nulls || *nulls != "0") {
				throw ConstraintException("%s", column.violation);
			}
		}
		auto durable = MakeDurable(context.client, root, path);
		written.files.push_back({path.substr(root.size() + 1), row_count, UBigIntValue::Get(chunk.GetValue(2, row)),
		                         durable.checksum, durable.version, chunk.GetValue(4, row), column_ids, column_names, PartitionValues(chunk.GetValue(5, row))});
		written.row_count += row_count;
	}
	return SinkResultType::NEED_MORE_INPUT;
}

optional_ptr<ChangedRowsState> RecordFiles::Changes() const {
	return changed ? &changed->op_state->Cast<ChangedRowsState>() : nullptr;
}

SinkFinalizeType RecordFiles::Finalize(Pipeline &, Event &, ClientContext &context,
                                       OperatorSinkFinalizeInput &input) const {
	CrashPoint("before_list");
	auto &files = input.global_state.Cast<WrittenFiles>().files;
	auto changes = Changes();
	if (changes) {
		std::vector<TableFile> replaced;
		for (auto &entry : changes->going) {
			replaced.push_back(changed_files[entry.first]);
		}
		// Before they are written anew, which is in vain if another transaction has changed them
		RemoveFiles(context, catalog, table_id, replaced);
		for (auto &entry : changes->going) {
			auto &file = changed_files[entry.first];
			auto going = NumericCast<idx_t>(std::count(entry.second.begin(), entry.second.end(), true));
			if (going < file.row_count) {
				files.push_back(RewriteFile(context, file, entry.second));
			}
		}
	}
	if (gives_way) {
		TableTransactions::Get(catalog).StayAlone(context);
	}
	RemoveFiles(context, catalog, table_id, replaced_files);
	if (alter) {
		// Their files do not have the columns that the table has now
		ForgetSnapshots(context, catalog, table_id);
		TableTransactions::Get(catalog).NoteChange(context, table_id);
	}
	AddFiles(context, catalog, table_id, files);
	TableTransactions::Get(catalog).NoteWritten(context, table_id);
	CrashPoint("after_list");
	return SinkFinalizeType::READY;
}

unique_ptr<GlobalSourceState> RecordFiles::GetGlobalSourceState(ClientContext &) const {
	auto result = make_uniq<ReturnState>();
	auto changes = Changes();
	if (changes && changes->kept) {
		changes->kept->InitializeScan(result->scan);
	}
	return std::move(result);
}

SourceResultType RecordFiles::GetDataInternal(ExecutionContext &, DataChunk &chunk, OperatorSourceInput &input) const {
	auto &state = input.global_state.Cast<ReturnState>();
	auto changes = Changes();
	if (changes && changes->kept) {
		changes->kept->Scan(state.scan, chunk);
		return chunk.size() == 0 ? SourceResultType::FINISHED : SourceResultType::HAVE_MORE_OUTPUT;
	}
	if (alter) {
		return SourceResultType::FINISHED;
	}
	auto row_count = changes ? changes->row_count : sink_state->Cast<WrittenFiles>().row_count;
	chunk.data[0].Append(Value::BIGINT(NumericCast<int64_t>(row_count)));
	return SourceResultType::FINISHED;
}

} // namespace duckling
