// Makes files durable first and lists them then: whoever sees the list finds the files.

#include "record_files.hpp"

#include "distributed_table.hpp"
#include "durable_files.hpp"
#include "rewritten_files.hpp"
#include "table_files.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/execution/execution_context.hpp"

#include <algorithm>

using namespace duckdb;

namespace duckling {

namespace {

struct WrittenFiles : public GlobalSinkState {
	vector<TableFile> files;
	unique_ptr<ColumnDataCollection> returned;
	idx_t row_count = 0;
};

struct ReturnState : public GlobalSourceState {
	ColumnDataScanState scan;
};

} // namespace

RecordFiles::RecordFiles(PhysicalPlan &plan, vector<LogicalType> types, Catalog &catalog_p, string table_id_p,
                         optional_ptr<CheckedRows> checked_p, idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types), estimated_cardinality), catalog(catalog_p),
      table_id(std::move(table_id_p)), checked(checked_p) {
}

string RecordFiles::GetName() const {
	return "LIST_FILES";
}

unique_ptr<GlobalSinkState> RecordFiles::GetGlobalSinkState(ClientContext &context) const {
	if (create && !catalog.CreateTable(catalog.GetCatalogTransaction(context), *schema, *create)) {
		throw TransactionException("Another transaction has created the table \"%s\"",
		                           create->Base().Cast<CreateTableInfo>().GetTableName().GetIdentifierName());
	}
	auto result = make_uniq<WrittenFiles>();
	if (returns_input) {
		result->returned = make_uniq<ColumnDataCollection>(context, types);
	}
	return std::move(result);
}

SinkResultType RecordFiles::Sink(ExecutionContext &context, DataChunk &chunk, OperatorSinkInput &input) const {
	auto &written = input.global_state.Cast<WrittenFiles>();
	if (takes_rows) {
		written.row_count += chunk.size();
		if (returns_input) {
			written.returned->Append(chunk);
		}
		return SinkResultType::NEED_MORE_INPUT;
	}
	auto root = StorageRoot(*context.client.db);
	for (idx_t row = 0; row < chunk.size(); row++) {
		auto path = StringValue::Get(chunk.GetValue(0, row));
		auto row_count = UBigIntValue::Get(chunk.GetValue(1, row));
		if (row_count == 0) {
			continue;
		}
		auto checksum = MakeDurable(context.client, root, path);
		written.files.push_back({path.substr(root.size() + 1), row_count, UBigIntValue::Get(chunk.GetValue(2, row)), checksum,
		                         chunk.GetValue(4, row)});
		written.row_count += row_count;
	}
	return SinkResultType::NEED_MORE_INPUT;
}

SinkFinalizeType RecordFiles::Finalize(Pipeline &, Event &, ClientContext &context,
                                       OperatorSinkFinalizeInput &input) const {
	vector<TableFile> removed, added;
	if (changed) {
		for (auto &entry : changed->op_state->Cast<ChangedRowsState>().rows) {
			auto &file = changed_files[entry.first];
			auto going = NumericCast<idx_t>(std::count(entry.second.begin(), entry.second.end(), true));
			removed.push_back(file);
			if (going < file.row_count) {
				added.push_back(RewriteFile(context, file, entry.second));
			}
		}
	}
	auto &written = input.global_state.Cast<WrittenFiles>().files;
	added.insert(added.end(), written.begin(), written.end());
	RemoveFiles(context, catalog, removed);
	AddFiles(context, catalog, table_id, added);
	return SinkFinalizeType::READY;
}

optional_ptr<ColumnDataCollection> RecordFiles::Returned() const {
	if (checked) {
		return checked->op_state->Cast<CheckedRowsState>().kept.get();
	}
	return sink_state->Cast<WrittenFiles>().returned.get();
}

unique_ptr<GlobalSourceState> RecordFiles::GetGlobalSourceState(ClientContext &) const {
	auto result = make_uniq<ReturnState>();
	auto returned = Returned();
	if (returned) {
		returned->InitializeScan(result->scan);
	}
	return std::move(result);
}

SourceResultType RecordFiles::GetDataInternal(ExecutionContext &, DataChunk &chunk, OperatorSourceInput &input) const {
	auto &state = input.global_state.Cast<ReturnState>();
	auto returned = Returned();
	if (returned) {
		returned->Scan(state.scan, chunk);
		return chunk.size() == 0 ? SourceResultType::FINISHED : SourceResultType::HAVE_MORE_OUTPUT;
	}
	auto row_count = sink_state->Cast<WrittenFiles>().row_count;
	chunk.data[0].Append(Value::BIGINT(NumericCast<int64_t>(row_count)));
	return SourceResultType::FINISHED;
}

} // namespace duckling
