// Replaces what several ducklings can do together, in plans that DuckDB has optimized.

#include "distribution_settings.hpp"
#include "engine_internal.hpp"
#include "exchange_operator.hpp"
#include "explain_note.hpp"
#include "fragment_planner.hpp"
#include "tables/task_write.hpp"

#include "duckdb/main/settings.hpp"
#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb/optimizer/optimizer_extension.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

//! Sources with no more rows than this are read by every task.
constexpr idx_t REPLICATED_ROWS = 20000;

//! Settings of a session that change what expressions answer.
constexpr const char *SHARED_SETTINGS[] = {"TimeZone", "Calendar", "ieee_floating_point_ops", "error_on_division_by_zero",
                                           "scalar_subquery_error_on_multiple_rows"};

struct ClusterInfo : public OptimizerExtensionInfo {
	dh_engine_cluster cluster;
};

Value Setting(ClientContext &context, const char *name) {
	Value value;
	context.TryGetCurrentSetting(Identifier(name), value);
	return value;
}

class Distributor {
public:
	Distributor(OptimizerExtensionInput &input, const dh_engine_cluster &cluster_p, PlannerOptions options_p)
	    : context(input.context), binder(input.optimizer.binder), cluster(cluster_p), options(options_p), files(context) {
	}

	//! Replace `op`, or what can be replaced below it.
	void Distribute(unique_ptr<LogicalOperator> &op) {
		if (!IsHeavy(*op)) {
			return;
		}
		switch (op->type) {
		case LogicalOperatorType::LOGICAL_EXPLAIN:
			break;
		case LogicalOperatorType::LOGICAL_TOP_N:
			if (Replace(op->children[0], *op, true)) {
				return;
			}
			break;
		case LogicalOperatorType::LOGICAL_LIMIT:
			if (!IsGrouped(*op->children[0])) {
				Explain(*op, "which rows come first is the driver's to say");
				return;
			}
			break;
		case LogicalOperatorType::LOGICAL_ORDER_BY:
			break;
		case LogicalOperatorType::LOGICAL_INSERT:
		case LogicalOperatorType::LOGICAL_CREATE_TABLE:
			if (ReplaceWrite(op)) {
				return;
			}
			break;
		case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
			Explain(*op, "each step needs the one before");
			Distribute(op->children[0]);
			return;
		default:
			if (Replace(op, *op, false)) {
				return;
			}
		}
		for (auto &child : op->children) {
			Distribute(child);
		}
	}

	//! Why parts of the plan run on the driver, one per line.
	string Reasons() const {
		return StringUtil::Join(reasons, "\n");
	}

private:
	bool IsHeavy(LogicalOperator &op) {
		auto leaves = LeavesOf(op);
		return options.forced ? leaves.files || leaves.tables
		                      : leaves.files && files.RowsBelow(op) >= options.threshold;
	}

	//! Whether its rows have no order anyway.
	static bool IsGrouped(LogicalOperator &op) {
		switch (op.type) {
		case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
			return true;
		case LogicalOperatorType::LOGICAL_PROJECTION:
		case LogicalOperatorType::LOGICAL_FILTER:
			return IsGrouped(*op.children[0]);
		default:
			return false;
		}
	}

	//! Put an exchange in the place of `target` with the rows of `source`, which has the same columns.
	bool Replace(unique_ptr<LogicalOperator> &target, LogicalOperator &source, bool candidates) {
		return Try(source, [&](FragmentPlanner &planner) {
			auto query = candidates ? planner.PlanCandidates(source) : planner.Plan(source);
			if (query.stages.back().types != source.types || source.types.empty()) {
				throw Undistributable("DuckDB has changed the types of its columns");
			}
			target = Exchanged(query, source, ExchangeColumns::Of(*target));
			return query;
		});
	}

	//! Have tasks write what `op` adds to a distributed table.
	bool ReplaceWrite(unique_ptr<LogicalOperator> &op) {
		auto write = TaskWriteOf(context, binder, *op);
		if (!write) {
			return false;
		}
		auto &rows = *write->rows;
		rows.children.push_back(std::move(op->children[0]));
		auto done = Try(rows, [&](FragmentPlanner &planner) {
			rows.ResolveOperatorTypes();
			rows.SetEstimatedCardinality(rows.children[0]->EstimateCardinality(context));
			auto query = planner.PlanWrite(rows, write->column_names, write->target);
			auto &types = query.stages.back().types;
			auto bindings = LogicalOperator::GenerateColumnBindings(binder.GenerateTableIndex(), types.size());
			op = ListTaskFiles(context, *op, Exchanged(query, rows, {std::move(bindings), types, {}}));
			return query;
		});
		if (!done) {
			op->children[0] = std::move(rows.children[0]);
		}
		return done;
	}

	//! The exchange of `query`, which was planned for `source`, with its feeds.
	unique_ptr<LogicalOperator> Exchanged(DistributedQuery &query, LogicalOperator &source, ExchangeColumns columns) {
		for (auto name : SHARED_SETTINGS) {
			auto value = Setting(context, name);
			if (!value.IsNull()) {
				query.settings.emplace_back(name, value.ToString());
			}
		}
		if (ClientConfig::GetConfig(context).enable_progress_bar) {
			query.settings.emplace_back("enable_progress_bar", "true");
			query.settings.emplace_back("enable_progress_bar_print", "false");
		}
		auto result = MakeExchange(cluster, query, std::move(columns));
		result->children = TakeFeeds(context, binder, query, source);
		return result;
	}

	//! Replace `source` by the query that `replace` returns; false if it cannot be distributed.
	template <class Replacing>
	bool Try(LogicalOperator &source, Replacing &&replace) {
		FragmentPlanner planner(context, options, files);
		DistributedQuery query;
		try {
			query = replace(planner);
		} catch (const Undistributable &failure) {
			Explain(planner, source, failure.what());
			return false;
		} catch (const std::exception &failure) {
			ErrorData error(failure);
			if (error.Type() == ExceptionType::INTERRUPT) {
				throw;
			}
			Explain(planner, source, error.RawMessage());
			return false;
		}
		Explain(planner.Reasons());
		// A feed itself cannot be distributed, but perhaps what it is made of
		for (auto &feed : query.feeds) {
			for (auto &child : feed.op.get().children) {
				Distribute(child);
			}
		}
		return true;
	}

	void Explain(const LogicalOperator &op, const string &why) {
		Explain({{op.GetName(), why}});
	}
	void Explain(const FragmentPlanner &planner, const LogicalOperator &op, const string &why) {
		Explain(planner.Reasons());
		if (!op.children.empty()) {
			Explain(op, why);
		}
	}
	void Explain(const vector<Reason> &more) {
		for (auto &reason : more) {
			// Operators above one fail for the same reason, mostly
			if (explained.insert(reason.why).second) {
				reasons.push_back(reason.op + ": " + reason.why);
			}
		}
	}

	ClientContext &context;
	Binder &binder;
	const dh_engine_cluster &cluster;
	PlannerOptions options;
	FileScans files;
	vector<string> reasons;
	unordered_set<string> explained;
};

void DistributePlan(OptimizerExtensionInput &input, unique_ptr<LogicalOperator> &plan) {
	auto &context = input.context;
	auto mode = StringUtil::Lower(Setting(context, DISTRIBUTION).ToString());
	if (mode == "off") {
		return;
	}
	auto &cluster = static_cast<ClusterInfo &>(*input.info).cluster;
	auto workers = cluster.worker_count(cluster.context);
	if (workers == 0) {
		return;
	}
	PlannerOptions options;
	options.forced = mode == "force";
	auto leaves = LeavesOf(*plan);
	// All statements come along here, and few read files
	if (!leaves.files && !(options.forced && leaves.tables)) {
		return;
	}
	options.tasks = workers * Setting(context, TASKS_PER_WORKER).GetValue<uint64_t>();
	options.broadcast_rows = Setting(context, BROADCAST_LIMIT).GetValue<uint64_t>();
	options.replicated_rows = options.forced ? 0 : REPLICATED_ROWS;
	options.threshold = options.forced ? 0 : Setting(context, DISTRIBUTION_THRESHOLD).GetValue<uint64_t>();
	plan->ResolveOperatorTypes();
	Distributor distributor(input, cluster, options);
	distributor.Distribute(plan);
	auto reasons = distributor.Reasons();
	if (plan->type == LogicalOperatorType::LOGICAL_EXPLAIN && !reasons.empty()) {
		plan->children[0] = WithNote(std::move(plan->children[0]), std::move(reasons));
		plan->children[0]->ResolveOperatorTypes();
	}
}

} // namespace

void ThrowIfFailed(dh_engine_error *error) {
	if (!error) {
		return;
	}
	auto type = Exception::StringToExceptionType(error->class_name);
	string message = error->message;
	dh_engine_error_free(error);
	if (type == ExceptionType::INVALID || type == ExceptionType::INTERNAL || type == ExceptionType::FATAL) {
		// Another duckling's trouble must not invalidate this one
		type = ExceptionType::IO;
	}
	ErrorData(type, message).Throw();
}

} // namespace duckling

dh_engine_error *dh_engine_database_set_cluster(dh_engine_database *database,
                                                const dh_engine_cluster *cluster) noexcept {
	return Guard([&]() {
		using namespace duckling;
		auto &config = DBConfig::GetConfig(*database->database->instance);
		RegisterDistributionSettings(config);
		auto info = make_shared_ptr<ClusterInfo>();
		info->cluster = *cluster;
		OptimizerExtension extension;
		extension.optimize_function = DistributePlan;
		extension.optimizer_info = std::move(info);
		OptimizerExtension::Register(config, std::move(extension));
	});
}
