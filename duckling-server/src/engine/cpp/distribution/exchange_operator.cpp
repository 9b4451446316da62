// The operator that stands for a part of a plan which other ducklings run.

#include "exchange_operator.hpp"

#include "engine_internal.hpp"
#include "feed_operator.hpp"
#include "meter.hpp"
#include "query_report.hpp"

#include "duckdb/execution/operator/scan/physical_table_scan.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/function/table/arrow.hpp"
#include "duckdb/main/query_profiler.hpp"

using namespace duckdb;

namespace duckling {

namespace {

using Feeds = vector<shared_ptr<FeedRows>>;

//! Interrupted, or past its max_execution_time, which DuckDB itself looks at only between tasks.
bool IsToEnd(ClientContext &context) noexcept {
	try {
		context.BlockingInterruptCheck();
		return false;
	} catch (const std::exception &) {
		return true;
	}
}

//! What runs on the other ducklings; ended with it.
class RunningQuery {
public:
	RunningQuery(const dh_engine_cluster &cluster_p, ClientContext &context_p, const DistributedQuery &query,
	             const Feeds &feeds_p)
	    : cluster(cluster_p), context(context_p), meter(Meter::Of(context_p)), feeds(feeds_p) {
		vector<void *> feed_handles;
		for (auto &feed : feeds) {
			feed_handles.push_back(feed->Handle());
		}
		vector<ArrowSchema> schemas(query.stages.size());
		for (idx_t i = 0; i < schemas.size(); i++) {
			SchemaOf(context, query.stages[i].types, &schemas[i]);
		}
		auto json = query.ToJson();
		dh_engine_interrupt interrupt {this, [](void *of) {
			                               auto &query = *static_cast<RunningQuery *>(of);
			                               query.PublishProgress();
			                               return IsToEnd(query.context);
		                               }};
		ThrowIfFailed(cluster.start(cluster.context, {json.data(), json.size()}, schemas.data(), schemas.size(),
		                            feed_handles.data(), feed_handles.size(), interrupt, &query_handle));
		meter->BeginExchange(query.mode, query.merge, query.stages.size(), query.TaskCount());
	}
	~RunningQuery() {
		if (query_handle) {
			if (!IsToEnd(context)) {
				Finish();
			}
			cluster.end(query_handle);
		}
		for (auto &feed : feeds) {
			feed->Free();
		}
	}

	void Next(ArrowArray *out) {
		lock_guard<mutex> guard(reading);
		out->release = nullptr;
		auto failure = cluster.next(query_handle, out);
		if (failure && IsToEnd(context)) {
			dh_engine_error_free(failure);
			context.BlockingInterruptCheck();
		}
		ThrowIfFailed(failure);
	}

	//! From 0 to 1.
	double Progress() const {
		return cluster.progress(query_handle);
	}

	//! No more rows are wanted: hear what was done. Each of DuckDB's threads that has read rows may ask; null while
	//! another one still waits for some.
	optional_ptr<const QueryReport> Finish() noexcept {
		lock_guard<mutex> guard(finishing);
		unique_lock<mutex> not_reading(reading, std::try_to_lock);
		if (!report && not_reading) {
			dh_engine_query_report answer;
			auto failure = cluster.finish(query_handle, &answer);
			if (failure) {
				// The rows are what counts
				dh_engine_error_free(failure);
				return nullptr;
			}
			report = make_uniq<QueryReport>(answer);
			meter->EndExchange(report->workers, report->Exchanged(), report->CpuNanoseconds());
		}
		return report.get();
	}

private:
	//! The thread that waits is the one that DuckDB would move its progress bar with.
	void PublishProgress() {
		if (query_handle && ClientConfig::GetConfig(context).enable_progress_bar) {
			meter->exchange_progress = Progress();
		}
	}

	const dh_engine_cluster &cluster;
	//! Of the statement, which ends before it
	ClientContext &context;
	shared_ptr<Meter> meter;
	Feeds feeds;
	void *query_handle = nullptr;
	mutex reading;
	mutex finishing;
	unique_ptr<QueryReport> report;
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
		auto started = make_shared_ptr<RunningQuery>(cluster, context, *query, feeds);
		running = started;
		stream.private_data = new shared_ptr<RunningQuery>(std::move(started));
		stream.get_schema = nullptr;
		stream.get_last_error = nullptr;
		// Called by DuckDB's C++, which takes exceptions
		stream.get_next = [](ArrowArrayStream *self, ArrowArray *out) {
			(*static_cast<shared_ptr<RunningQuery> *>(self->private_data))->Next(out);
			return 0;
		};
		stream.release = [](ArrowArrayStream *self) {
			delete static_cast<shared_ptr<RunningQuery> *>(self->private_data);
			self->release = nullptr;
		};
		return result;
	}

	const dh_engine_cluster &cluster;
	//! Of the statement, which ends before it
	ClientContext &context;
	shared_ptr<const DistributedQuery> query;
	Feeds feeds;
	//! As long as its rows are read
	weak_ptr<RunningQuery> running;
};

ExchangeFactory &FactoryOf(const FunctionData &bind_data) {
	return static_cast<ExchangeFactory &>(*bind_data.Cast<ArrowScanFunctionData>().factory);
}

InsertionOrderPreservingMap<string> DescribeExchange(TableFunctionToStringInput &input) {
	return FactoryOf(*input.bind_data).query->Describe();
}

//! For EXPLAIN ANALYZE: what was done.
void DescribeReport(TableFunctionGetMetricsInput &input) {
	auto &factory = FactoryOf(*input.bind_data);
	auto running = factory.running.lock();
	auto report = running ? running->Finish() : nullptr;
	if (!report) {
		return;
	}
	auto info = input.operator_metrics.GetExtraInfo();
	for (idx_t i = 0; i < factory.query->stages.size(); i++) {
		if (factory.query->stages[i].feed.IsValid()) {
			continue;
		}
		auto done = report->Describe(i, factory.query->stages[i].tasks);
		auto &entry = info[DistributedQuery::StageName(i)];
		entry = factory.query->Heading(i) + ": " + (done.empty() ? "ended before they told what they did" : done);
	}
	input.operator_metrics.SetExtraInfo(std::move(info));
}

double PercentDone(ClientContext &, const FunctionData *bind_data, const GlobalTableFunctionState *) {
	auto running = FactoryOf(*bind_data).running.lock();
	return running ? running->Progress() * 100 : -1;
}

class LogicalExchange : public LogicalExtensionOperator {
public:
	LogicalExchange(const dh_engine_cluster &cluster_p, DistributedQuery query_p, ExchangeColumns columns_p)
	    : cluster(cluster_p), query(make_shared_ptr<DistributedQuery>(std::move(query_p))), columns(std::move(columns_p)) {
		types = columns.types;
		if (columns.cardinality.IsValid()) {
			SetEstimatedCardinality(columns.cardinality.GetIndex());
		}
	}

	vector<ColumnBinding> GetColumnBindings() override {
		return columns.bindings;
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
		function.get_metrics = DescribeReport;
		function.table_scan_progress = PercentDone;
		function.parallelism = TableFunctionParallelism::SEQUENTIAL;
		vector<ColumnIndex> column_ids;
		for (idx_t i = 0; i < types.size(); i++) {
			column_ids.emplace_back(i);
		}
		reference<PhysicalOperator> result = planner.Make<PhysicalTableScan>(
		    types, BoundTableFunction(function), std::move(bind_data), types, std::move(column_ids), vector<idx_t>(),
		    ColumnNames(types.size()), nullptr, estimated_cardinality, ExtraOperatorInfo(), vector<Value>(),
		    virtual_column_map_t());
		for (idx_t i = 0; i < children.size(); i++) {
			auto &feed = planner.CreatePlan(*children[i]);
			result = MakeFeed(planner, feed, result.get(), feeds[i]);
		}
		return result;
	}

protected:
	void ResolveTypes() override {
		types = columns.types;
	}

private:
	const dh_engine_cluster &cluster;
	shared_ptr<const DistributedQuery> query;
	ExchangeColumns columns;
};

} // namespace

ExchangeColumns ExchangeColumns::Of(LogicalOperator &replaced) {
	auto cardinality = replaced.has_estimated_cardinality ? optional_idx(replaced.estimated_cardinality) : optional_idx();
	return {replaced.GetColumnBindings(), replaced.types, cardinality};
}

unique_ptr<LogicalOperator> MakeExchange(const dh_engine_cluster &cluster, DistributedQuery query,
                                         ExchangeColumns columns) {
	return make_uniq<LogicalExchange>(cluster, std::move(query), std::move(columns));
}

} // namespace duckling
