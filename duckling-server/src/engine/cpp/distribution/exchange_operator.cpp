// The operator that stands for a part of a plan which other ducklings run.

#include "exchange_operator.hpp"

#include "engine_internal.hpp"
#include "feed_operator.hpp"

#include "duckdb/execution/operator/scan/physical_table_scan.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/function/table/arrow.hpp"

using namespace duckdb;

namespace duckling {

namespace {

using Feeds = vector<shared_ptr<FeedRows>>;

//! What runs on the other ducklings; ended with it.
class RunningQuery {
public:
	RunningQuery(const dh_engine_cluster &cluster_p, ClientContext &context, const DistributedQuery &query,
	             const Feeds &feeds_p)
	    : cluster(cluster_p), feeds(feeds_p) {
		vector<void *> feed_handles;
		for (auto &feed : feeds) {
			feed_handles.push_back(feed->Handle());
		}
		vector<ArrowSchema> schemas(query.stages.size());
		for (idx_t i = 0; i < schemas.size(); i++) {
			SchemaOf(context, query.stages[i].types, &schemas[i]);
		}
		auto json = query.ToJson();
		dh_engine_interrupt interrupt {&context, [](void *of) {
			                               return static_cast<ClientContext *>(of)->IsInterrupted();
		                               }};
		ThrowIfFailed(cluster.start(cluster.context, {json.data(), json.size()}, schemas.data(), schemas.size(),
		                            feed_handles.data(), feed_handles.size(), interrupt, &query_handle));
	}
	~RunningQuery() {
		if (query_handle) {
			cluster.end(query_handle);
		}
		for (auto &feed : feeds) {
			feed->Free();
		}
	}

	void Next(ArrowArray *out) {
		out->release = nullptr;
		ThrowIfFailed(cluster.next(query_handle, out));
	}

private:
	const dh_engine_cluster &cluster;
	Feeds feeds;
	void *query_handle = nullptr;
};

//! Starts the query when its rows are wanted.
struct ExchangeFactory : public ArrowScanFactory {
	ExchangeFactory(const dh_engine_cluster &cluster_p, ClientContext &context_p,
	                shared_ptr<const DistributedQuery> query_p, Feeds feeds_p)
	    : cluster(cluster_p), context(context_p), query(std::move(query_p)), feeds(std::move(feeds_p)) {
	}

	void GetSchema(ArrowSchema &schema) override {
		SchemaOf(context, query->stages.back().types, &schema);
	}

	unique_ptr<ArrowArrayStreamWrapper> ProduceStream(ArrowStreamParameters &) override {
		auto result = make_uniq<ArrowArrayStreamWrapper>();
		auto &stream = result->arrow_array_stream;
		stream.private_data = new RunningQuery(cluster, context, *query, feeds);
		stream.get_schema = nullptr;
		stream.get_last_error = nullptr;
		// Called by DuckDB's C++, which takes exceptions
		stream.get_next = [](ArrowArrayStream *self, ArrowArray *out) {
			static_cast<RunningQuery *>(self->private_data)->Next(out);
			return 0;
		};
		stream.release = [](ArrowArrayStream *self) {
			delete static_cast<RunningQuery *>(self->private_data);
			self->release = nullptr;
		};
		return result;
	}

	const dh_engine_cluster &cluster;
	//! Of the statement, which ends before it
	ClientContext &context;
	shared_ptr<const DistributedQuery> query;
	Feeds feeds;
};

InsertionOrderPreservingMap<string> DescribeExchange(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &factory = *input.bind_data->Cast<ArrowScanFunctionData>().factory;
	auto &query = *static_cast<ExchangeFactory &>(factory).query;
	result["Mode"] = query.mode;
	result["Merge"] = query.merge;
	result["Tasks"] = to_string(query.TaskCount());
	result["Stages"] = query.Describe();
	return result;
}

class LogicalExchange : public LogicalExtensionOperator {
public:
	LogicalExchange(const dh_engine_cluster &cluster_p, DistributedQuery query_p, LogicalOperator &replaced)
	    : cluster(cluster_p), query(make_shared_ptr<DistributedQuery>(std::move(query_p))),
	      bindings(replaced.GetColumnBindings()), column_types(replaced.types) {
		types = column_types;
		estimated_cardinality = replaced.estimated_cardinality;
		has_estimated_cardinality = replaced.has_estimated_cardinality;
	}

	vector<ColumnBinding> GetColumnBindings() override {
		return bindings;
	}
	string GetExtensionName() const override {
		return "duckling_exchange";
	}
	string GetName() const override {
		return "EXCHANGE";
	}
	bool SupportSerialization() const override {
		return false;
	}

	PhysicalOperator &CreatePlan(ClientContext &context, PhysicalPlanGenerator &planner) override {
		Feeds feeds;
		for (idx_t i = 0; i < children.size(); i++) {
			feeds.push_back(make_shared_ptr<FeedRows>(cluster));
		}
		auto factory = make_shared_ptr<ExchangeFactory>(cluster, context, query, feeds);
		auto bind_data = make_uniq<ArrowScanFunctionData>(factory);
		factory->GetSchema(bind_data->schema_root.arrow_schema);
		ArrowTableFunction::PopulateArrowTableSchema(context, bind_data->arrow_table,
		                                             bind_data->schema_root.arrow_schema);
		bind_data->all_types = bind_data->arrow_table.GetTypes();
		if (bind_data->all_types != types) {
			throw InternalException("A distributed query has other types than the plan that it is made of");
		}
		TableFunction function("exchange", {}, ArrowTableFunction::ArrowScanFunction, ArrowTableFunction::ArrowScanBind,
		                       ArrowTableFunction::ArrowScanInitGlobal, ArrowTableFunction::ArrowScanInitLocal);
		function.to_string = DescribeExchange;
		function.parallelism = TableFunctionParallelism::SEQUENTIAL;
		vector<ColumnIndex> columns;
		for (idx_t i = 0; i < types.size(); i++) {
			columns.emplace_back(i);
		}
		reference<PhysicalOperator> result = planner.Make<PhysicalTableScan>(types, BoundTableFunction(function), std::move(bind_data), types,
		                                       std::move(columns), vector<idx_t>(), ColumnNames(types.size()), nullptr,
		                                       estimated_cardinality, ExtraOperatorInfo(), vector<Value>(),
		                                       virtual_column_map_t());
		for (idx_t i = 0; i < children.size(); i++) {
			auto &feed = planner.CreatePlan(*children[i]);
			result = MakeFeed(planner, feed, result.get(), feeds[i]);
		}
		return result;
	}

protected:
	void ResolveTypes() override {
		types = column_types;
	}

private:
	const dh_engine_cluster &cluster;
	shared_ptr<const DistributedQuery> query;
	vector<ColumnBinding> bindings;
	vector<LogicalType> column_types;
};

} // namespace

unique_ptr<LogicalOperator> MakeExchange(const dh_engine_cluster &cluster, DistributedQuery query,
                                         LogicalOperator &replaced) {
	return make_uniq<LogicalExchange>(cluster, std::move(query), replaced);
}

} // namespace duckling
