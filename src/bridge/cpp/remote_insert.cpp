// Rows of the client on their way into a remote table.

#include "remote_insert.hpp"

#include "transaction.hpp"
#include "transferable.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/arrow/arrow_appender.hpp"
#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/common/arrow/arrow_type_extension.hpp"
#include "duckdb/common/arrow/arrow_wrapper.hpp"

using namespace duckdb;

namespace duckherder {

//! A batch is sent when it holds this many rows or bytes, whichever comes first.
static constexpr idx_t MAX_BATCH_ROWS = 122880;
static constexpr idx_t MAX_BATCH_BYTES = 1 << 20;

namespace {

class InsertGlobalState : public GlobalSinkState {
public:
	InsertGlobalState(ClientContext &context, Catalog &catalog, const InsertTarget &target)
	    : properties(context.GetClientProperties()) {
		properties.arrow_lossless_conversion = true;
		extension_types = ArrowTypeExtensionData::GetExtensionTypes(context, target.types);
		vector<dh_str> columns;
		for (auto &column : target.columns) {
			columns.push_back(ToStr(column));
		}
		auto &transaction = RemoteTransaction::Get(context, catalog);
		vector<dh_str> schema_path;
		for (auto &name : target.schema) {
			schema_path.push_back(ToStr(name));
		}
		dh_ingest_target raw {ToStr(target.create_sql), schema_path.data(), schema_path.size(), ToStr(target.table),
		                      columns.data(),           columns.size(),     transaction.IsExplicit()};
		ArrowSchema schema;
		ArrowConverter::ToArrowSchema(&schema, target.types, target.columns, properties);
		Interrupt interrupt(context);
		Check(Rust().ingest_open(&transaction.SessionForLoad(context), &raw, &schema, &interrupt, &ingest));
	}
	~InsertGlobalState() override {
		if (ingest) {
			Rust().ingest_free(ingest);
		}
	}

	ClientProperties properties;
	unordered_map<idx_t, const shared_ptr<ArrowTypeExtensionData>> extension_types;
	dh_ingest *ingest = nullptr;
	uint64_t rows = 0;
};

class InsertLocalState : public LocalSinkState {
public:
	//! Created at the first row that goes into it
	unique_ptr<ArrowAppender> appender;

	void Send(ClientContext &context, InsertGlobalState &global) {
		if (!appender) {
			return;
		}
		auto batch = appender->Finalize();
		appender.reset();
		Interrupt interrupt(context);
		Check(Rust().ingest_push(global.ingest, &batch, &interrupt));
	}
};

} // namespace

RemoteInsert::RemoteInsert(PhysicalPlan &plan, vector<LogicalType> types_p, Catalog &catalog_p, InsertTarget target_p,
                           bool parallel_p, idx_t estimated_cardinality)
    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, std::move(types_p), estimated_cardinality),
      catalog(catalog_p), target(std::move(target_p)), parallel(parallel_p) {
}

bool RemoteInsert::Is(const PhysicalOperator &op) {
	auto name = op.GetName();
	return op.type == PhysicalOperatorType::EXTENSION && (name == INSERT_NAME || name == CREATE_TABLE_AS_NAME);
}

InsertionOrderPreservingMap<string> RemoteInsert::ParamsToString() const {
	InsertionOrderPreservingMap<string> result;
	result["Server"] = catalog.GetName().GetIdentifierName();
	result["Table"] = target.table;
	return result;
}

unique_ptr<GlobalSinkState> RemoteInsert::GetGlobalSinkState(ClientContext &context) const {
	return make_uniq<InsertGlobalState>(context, catalog, target);
}

unique_ptr<LocalSinkState> RemoteInsert::GetLocalSinkState(ExecutionContext &) const {
	return make_uniq<InsertLocalState>();
}

SinkResultType RemoteInsert::Sink(ExecutionContext &context, DataChunk &chunk, OperatorSinkInput &input) const {
	auto &global = input.global_state.Cast<InsertGlobalState>();
	auto &local = input.local_state.Cast<InsertLocalState>();
	if (!local.appender) {
		local.appender = make_uniq<ArrowAppender>(target.types, STANDARD_VECTOR_SIZE, global.properties,
		                                          global.extension_types);
	}
	duckling::CheckTransferable(chunk);
	local.appender->Append(chunk, 0, chunk.size(), chunk.size());
	if (local.appender->RowCount() >= MAX_BATCH_ROWS || local.appender->ByteSize() >= MAX_BATCH_BYTES) {
		local.Send(context.client, global);
	}
	return SinkResultType::NEED_MORE_INPUT;
}

SinkCombineResultType RemoteInsert::Combine(ExecutionContext &context, OperatorSinkCombineInput &input) const {
	input.local_state.Cast<InsertLocalState>().Send(context.client, input.global_state.Cast<InsertGlobalState>());
	return SinkCombineResultType::FINISHED;
}

SinkFinalizeType RemoteInsert::Finalize(Pipeline &, Event &, ClientContext &context,
                                        OperatorSinkFinalizeInput &input) const {
	auto &global = input.global_state.Cast<InsertGlobalState>();
	Interrupt interrupt(context);
	Check(Rust().ingest_finish(global.ingest, &interrupt, &global.rows));
	if (!target.create_sql.empty()) {
		RemoteTransaction::Get(context, catalog).InvalidateSnapshot();
	}
	return SinkFinalizeType::READY;
}

unique_ptr<GlobalSourceState> RemoteInsert::GetGlobalSourceState(ClientContext &) const {
	return make_uniq<GlobalSourceState>();
}

SourceResultType RemoteInsert::GetDataInternal(ExecutionContext &, DataChunk &chunk, OperatorSourceInput &) const {
	chunk.SetValue(0, 0, Value::BIGINT(int64_t(sink_state->Cast<InsertGlobalState>().rows)));
	chunk.SetCardinality(1);
	return SourceResultType::FINISHED;
}

} // namespace duckherder
