// Replaces what several ducklings can do together, in plans that DuckDB has optimized.

#include "distribution_settings.hpp"
#include "engine_internal.hpp"
#include "exchange_operator.hpp"
#include "file_scans.hpp"
#include "fragment_planner.hpp"

#include "duckdb/main/settings.hpp"
#include "duckdb/optimizer/optimizer_extension.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_top_n.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

//! Files with no more rows than this are read by every task, rather than sent around.
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

//! Rows of the files that tasks could divide, as far as they are known.
idx_t RowsOfFiles(ClientContext &context, LogicalOperator &op) {
	idx_t rows = 0;
	if (op.type == LogicalOperatorType::LOGICAL_GET && IsFileScan(op.Cast<LogicalGet>())) {
		rows = op.Cast<LogicalGet>().EstimateSourceCardinality(context);
	}
	for (auto &child : op.children) {
		rows += RowsOfFiles(context, *child);
	}
	return rows;
}

class Distributor {
public:
	Distributor(ClientContext &context_p, const dh_engine_cluster &cluster_p, PlannerOptions options_p, idx_t threshold_p)
	    : context(context_p), cluster(cluster_p), options(options_p), threshold(threshold_p) {
	}

	//! Replace `op`, or what can be replaced below it.
	void Distribute(unique_ptr<LogicalOperator> &op) {
		if (!IsHeavy(*op)) {
			return;
		}
		switch (op->type) {
		case LogicalOperatorType::LOGICAL_TOP_N:
			if (Replace(op->children[0], *op, true)) {
				return;
			}
			break;
		case LogicalOperatorType::LOGICAL_LIMIT:
			// Which rows come first is the driver's to say
			if (!IsGrouped(*op->children[0])) {
				return;
			}
			break;
		case LogicalOperatorType::LOGICAL_ORDER_BY:
			break;
		default:
			if (Replace(op, *op, false)) {
				return;
			}
		}
		for (auto &child : op->children) {
			Distribute(child);
		}
	}

private:
	bool IsHeavy(LogicalOperator &op) {
		auto rows = RowsOfFiles(context, op);
		return rows > 0 && rows >= threshold;
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
		try {
			FragmentPlanner planner(context, options, splits);
			auto query = candidates ? planner.PlanCandidates(source) : planner.Plan(source);
			if (query.stages.back().types != source.types || source.types.empty()) {
				// DuckDB has compressed columns in between
				return false;
			}
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
			target = MakeExchange(cluster, std::move(query), *target);
			return true;
		} catch (const Undistributable &) {
			return false;
		} catch (const std::exception &failure) {
			ErrorData error(failure);
			if (error.Type() == ExceptionType::INTERRUPT) {
				throw;
			}
			return false;
		}
	}

	ClientContext &context;
	const dh_engine_cluster &cluster;
	PlannerOptions options;
	idx_t threshold;
	FileSplits splits;
};

void DistributePlan(OptimizerExtensionInput &input, unique_ptr<LogicalOperator> &plan) {
	auto &context = input.context;
	// All statements come along here, and few read files
	if (RowsOfFiles(context, *plan) == 0) {
		return;
	}
	auto &cluster = static_cast<ClusterInfo &>(*input.info).cluster;
	auto mode = StringUtil::Lower(Setting(context, DISTRIBUTION).ToString());
	if (mode == "off") {
		return;
	}
	auto workers = cluster.worker_count(cluster.context);
	if (workers == 0) {
		return;
	}
	PlannerOptions options;
	options.tasks = workers * Setting(context, TASKS_PER_WORKER).GetValue<uint64_t>();
	options.broadcast_rows = Setting(context, BROADCAST_LIMIT).GetValue<uint64_t>();
	options.replicated_rows = mode == "force" ? 0 : REPLICATED_ROWS;
	auto threshold = mode == "force" ? 0 : Setting(context, DISTRIBUTION_THRESHOLD).GetValue<uint64_t>();
	plan->ResolveOperatorTypes();
	Distributor(context, cluster, options, threshold).Distribute(plan);
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
