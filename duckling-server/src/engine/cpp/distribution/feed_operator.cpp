// The operator that computes what the driver feeds to tasks.

#include "feed_operator.hpp"

#include "arrow_batches.hpp"
#include "engine_internal.hpp"
#include "fragment_sql.hpp"
#include "travelling_types.hpp"

#include "duckdb/common/arrow/arrow_appender.hpp"
#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/parallel/meta_pipeline.hpp"

using namespace duckdb;

namespace duckling {

vector<std::string> ColumnNames(idx_t count) {
	vector<std::string> result;
	for (idx_t i = 0; i < count; i++) {
		result.push_back(ColumnName(i).GetIdentifierName());
	}
	return result;
}

void SchemaOf(ClientContext &context, const vector<LogicalType> &types, ArrowSchema *out) {
	auto properties = context.GetClientProperties();
	properties.arrow_lossless_conversion = true;
	TravellingSchema(out, types, ColumnNames(types.size()), properties);
}

FeedRows::FeedRows(const dh_engine_cluster &cluster_p) : cluster(cluster_p) {
}

FeedRows::~FeedRows() {
	Free();
}

void FeedRows::Begin(ClientContext &context, const vector<LogicalType> &types) {
	Free();
	ArrowSchema schema;
	SchemaOf(context, types, &schema);
	ThrowIfFailed(cluster.feed_begin(cluster.context, &schema, &handle));
}

void FeedRows::Append(ArrowArray array) {
	ThrowIfFailed(cluster.feed_append(handle, &array));
}

void FeedRows::Free() {
	if (handle) {
		cluster.feed_free(handle);
		handle = nullptr;
	}
}

namespace {

//! Computes the rows of a feed, and then whatever needs them.
class PhysicalFeed : public PhysicalOperator {
public:
	PhysicalFeed(PhysicalPlan &plan, PhysicalOperator &feed, PhysicalOperator &exchange, shared_ptr<FeedRows> rows_p)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, exchange.types, exchange.estimated_cardinality),
	      rows(std::move(rows_p)) {
		children.push_back(feed);
		children.push_back(exchange);
	}

	string GetName() const override {
		return "FEED";
	}

	unique_ptr<GlobalSinkState> GetGlobalSinkState(ClientContext &context) const override {
		rows->Begin(context, children[0].get().types);
		return make_uniq<GlobalSinkState>();
	}
	unique_ptr<LocalSinkState> GetLocalSinkState(ExecutionContext &) const override {
		return make_uniq<Batch>();
	}
	SinkResultType Sink(ExecutionContext &context, DataChunk &chunk, OperatorSinkInput &input) const override {
		auto &appender = input.local_state.Cast<Batch>().appender;
		if (!appender) {
			auto &types = children[0].get().types;
			auto properties = context.client.GetClientProperties();
			properties.arrow_lossless_conversion = true;
			appender = make_uniq<ArrowAppender>(types, STANDARD_VECTOR_SIZE, properties,
			                                    TravellingExtensions(context.client, types));
		}
		appender->Append(chunk, 0, chunk.size(), chunk.size());
		if (appender->RowCount() >= MAX_BATCH_ROWS || appender->ByteSize() >= MAX_BATCH_BYTES) {
			rows->Append(appender->Finalize());
			appender.reset();
		}
		return SinkResultType::NEED_MORE_INPUT;
	}
	SinkCombineResultType Combine(ExecutionContext &, OperatorSinkCombineInput &input) const override {
		auto &appender = input.local_state.Cast<Batch>().appender;
		if (appender) {
			rows->Append(appender->Finalize());
			appender.reset();
		}
		return SinkCombineResultType::FINISHED;
	}
	bool IsSink() const override {
		return true;
	}
	bool ParallelSink() const override {
		return true;
	}
	bool SinkOrderDependent() const override {
		return false;
	}

	void BuildPipelines(Pipeline &current, MetaPipeline &meta_pipeline) override {
		op_state.reset();
		sink_state.reset();
		meta_pipeline.CreateChildMetaPipeline(current, *this).Build(children[0]);
		children[1].get().BuildPipelines(current, meta_pipeline);
	}
	vector<const_reference<PhysicalOperator>> GetSources() const override {
		return children[1].get().GetSources();
	}

private:
	struct Batch : public LocalSinkState {
		unique_ptr<ArrowAppender> appender;
	};

	shared_ptr<FeedRows> rows;
};

} // namespace

PhysicalOperator &MakeFeed(PhysicalPlanGenerator &planner, PhysicalOperator &feed, PhysicalOperator &exchange,
                           shared_ptr<FeedRows> rows) {
	return planner.Make<PhysicalFeed>(feed, exchange, std::move(rows));
}

} // namespace duckling
