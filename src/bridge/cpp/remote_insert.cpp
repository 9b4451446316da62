// Rows of the client on their way into a remote table.

#include "remote_insert.hpp"

#include "transaction.hpp"

#include "duckdb/catalog/catalog.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

class InsertGlobalState : public GlobalSinkState {
public:
	InsertGlobalState(ClientContext &context, RemoteTransaction &transaction, const LoadTarget &target)
	    : load(context, transaction, target, transaction.IsExplicit()) {
	}

	RemoteLoad load;
	uint64_t rows = 0;
};

class InsertLocalState : public LocalSinkState {
public:
	RemoteLoad::Batch batch;
};

} // namespace

RemoteInsert::RemoteInsert(PhysicalPlan &plan, vector<LogicalType> types_p, Catalog &catalog_p, LoadTarget target_p,
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
	return make_uniq<InsertGlobalState>(context, RemoteTransaction::Get(context, catalog), target);
}

unique_ptr<LocalSinkState> RemoteInsert::GetLocalSinkState(ExecutionContext &) const {
	return make_uniq<InsertLocalState>();
}

SinkResultType RemoteInsert::Sink(ExecutionContext &context, DataChunk &chunk, OperatorSinkInput &input) const {
	auto &global = input.global_state.Cast<InsertGlobalState>();
	global.load.Append(context.client, input.local_state.Cast<InsertLocalState>().batch, chunk);
	return SinkResultType::NEED_MORE_INPUT;
}

SinkCombineResultType RemoteInsert::Combine(ExecutionContext &context, OperatorSinkCombineInput &input) const {
	auto &global = input.global_state.Cast<InsertGlobalState>();
	global.load.Flush(context.client, input.local_state.Cast<InsertLocalState>().batch);
	return SinkCombineResultType::FINISHED;
}

SinkFinalizeType RemoteInsert::Finalize(Pipeline &, Event &, ClientContext &context,
                                        OperatorSinkFinalizeInput &input) const {
	auto &global = input.global_state.Cast<InsertGlobalState>();
	global.rows = global.load.Finish(context);
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
