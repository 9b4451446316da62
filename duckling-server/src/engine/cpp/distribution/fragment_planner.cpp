// Which operators may run in which tasks, and where rows must be exchanged before.

#include "fragment_planner.hpp"

#include "fragment_sql.hpp"
#include "partial_aggregates.hpp"

#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/function/copy_function.hpp"
#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_window_expression.hpp"
#include "duckdb/planner/logical_operator_visitor.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_distinct.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_materialized_cte.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "duckdb/planner/operator/logical_set_operation.hpp"
#include "duckdb/planner/operator/logical_top_n.hpp"

using namespace duckdb;

namespace duckling {

namespace {

using Kind = Distribution::Kind;

void CheckExpressions(LogicalOperator &op) {
	LogicalOperatorVisitor::EnumerateExpressions(op, [](unique_ptr<Expression> *expression) {
		if ((*expression)->IsVolatile()) {
			throw Undistributable("an expression has another value each time: " + (*expression)->ToString());
		}
	});
}

} // namespace

FragmentPlanner::FragmentPlanner(ClientContext &context_p, PlannerOptions options_p, FileScans &files_p)
    : context(context_p), options(options_p), files(files_p) {
}

DistributedQuery FragmentPlanner::Plan(LogicalOperator &op) {
	auto fragment = PlanInTasks(op);
	if (fragment.distribution.kind == Kind::REPLICATED) {
		throw Undistributable("it reads nothing that can be divided");
	}
	return Assemble(Close(fragment, {}, false));
}

DistributedQuery FragmentPlanner::PlanCandidates(LogicalOperator &op) {
	auto &top_n = op.Cast<LogicalTopN>();
	auto child = PlanFragment(*op.children[0]);
	if (child.distribution.kind != Kind::PARTITIONED || top_n.unpruned_offset.IsValid()) {
		throw Undistributable("its first rows cannot be looked for in parts");
	}
	merge = "TOP_N_MERGE";
	return Assemble(CloseCandidates(top_n, std::move(child)));
}

DistributedQuery FragmentPlanner::PlanWrite(LogicalOperator &op, const std::vector<string> &column_names,
                                            const string &target) {
	auto fragment = PlanInTasks(op);
	if (fragment.distribution.kind != Kind::PARTITIONED) {
		throw Undistributable("one task would write all of it");
	}
	auto closed = Close(fragment, {}, false);
	auto &stage = stages[closed.stage];
	vector<string> columns;
	for (idx_t i = 0; i < column_names.size(); i++) {
		columns.push_back(StringUtil::Format("CAST(%s AS %s) AS %s", ColumnName(i).GetIdentifierName(), stage.types[i].ToString(),
		                                     KeywordHelper::WriteQuoted(column_names[i], '"')));
	}
	stage.sql = "SELECT " + StringUtil::Join(columns, ", ") + " FROM (" + stage.sql + ")";
	stage.target = target;
	stage.types = GetCopyFunctionReturnLogicalTypes(CopyFunctionReturnType::WRITTEN_FILE_STATISTICS);
	return Assemble(closed);
}

FragmentPlanner::Closed FragmentPlanner::CloseCandidates(LogicalTopN &top_n, Fragment child) {
	//! The operator is written as SQL with another limit for as long as it lives
	struct WithoutOffset {
		explicit WithoutOffset(LogicalTopN &top_n_p) : top_n(top_n_p), limit(top_n.limit), offset(top_n.offset) {
			top_n.limit += offset;
			top_n.offset = 0;
		}
		~WithoutOffset() {
			top_n.limit = limit;
			top_n.offset = offset;
		}
		LogicalTopN &top_n;
		idx_t limit;
		idx_t offset;
	} changed(top_n);
	return Close(On(top_n, std::move(child)), {}, false);
}

idx_t FragmentPlanner::Rows(LogicalOperator &op) {
	return op.has_estimated_cardinality ? op.estimated_cardinality : op.EstimateCardinality(context);
}

bool FragmentPlanner::StandsAlone(LogicalOperator &op) const {
	unordered_set<TableIndex> above;
	for (auto &cte : ctes) {
		above.insert(cte.first);
	}
	return duckling::StandsAlone(op, std::move(above));
}

Fragment FragmentPlanner::PlanFragment(LogicalOperator &op) {
	auto leaves = LeavesOf(op);
	if (!options.forced && leaves.driver && !leaves.files && StandsAlone(op) && !IsCompressed(op)) {
		return PlanFeed(op);
	}
	try {
		return PlanInTasks(op);
	} catch (const Undistributable &failure) {
		if (!StandsAlone(op)) {
			throw;
		}
		if (!op.children.empty()) {
			reasons.push_back({op.GetName(), failure.what()});
		}
		return PlanFeed(op);
	}
}

Fragment FragmentPlanner::PlanFeed(LogicalOperator &op) {
	if (IsCompressed(op)) {
		throw Undistributable("DuckDB has compressed columns in between");
	}
	Fragment feed(op);
	feed.feed = op;
	feed.distribution.kind = Kind::SINGLE;
	return Rows(op) <= options.replicated_rows ? Broadcast(std::move(feed)) : ShuffleByAllColumns(std::move(feed));
}

Fragment FragmentPlanner::PlanInTasks(LogicalOperator &op) {
	CheckExpressions(op);
	switch (op.type) {
	case LogicalOperatorType::LOGICAL_GET:
		return PlanGet(op.Cast<LogicalGet>());
	case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
	case LogicalOperatorType::LOGICAL_PROJECTION:
	case LogicalOperatorType::LOGICAL_FILTER:
	case LogicalOperatorType::LOGICAL_UNNEST:
		return PlanRowByRow(op);
	case LogicalOperatorType::LOGICAL_CHUNK_GET:
	case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
	case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
		return Fragment(op);
	case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
	case LogicalOperatorType::LOGICAL_ANY_JOIN:
	case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
		return PlanJoin(op);
	case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
		return PlanAggregate(op.Cast<LogicalAggregate>());
	case LogicalOperatorType::LOGICAL_DISTINCT:
		return PlanDistinct(op);
	case LogicalOperatorType::LOGICAL_WINDOW:
		return PlanWindow(op);
	case LogicalOperatorType::LOGICAL_TOP_N:
		return PlanTopN(op);
	case LogicalOperatorType::LOGICAL_UNION:
		return PlanUnion(op);
	case LogicalOperatorType::LOGICAL_EXCEPT:
	case LogicalOperatorType::LOGICAL_INTERSECT:
		return PlanSetOperation(op);
	case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
		return PlanCTE(op.Cast<LogicalMaterializedCTE>());
	case LogicalOperatorType::LOGICAL_CTE_REF:
		return PlanCTEReference(op);
	default:
		throw Undistributable(op.GetName() + " runs on one node");
	}
}

Fragment FragmentPlanner::PlanGet(LogicalGet &get) {
	if (!IsFileScan(get)) {
		auto table = get.GetTable();
		throw Undistributable(table ? "table " + table->name.GetIdentifierName() + " is on the driver"
		                            : get.GetName() + " runs on one node");
	}
	auto scan = Export(Fragment(get));
	StageScan stage_scan {"__duckling_scan_" + to_string(scan_count++), {}, files.Rows(get)};
	Fragment result(get);
	if (stage_scan.rows <= options.replicated_rows) {
		stage_scan.sql.push_back(WholeFileScan(context, get, *scan.query));
	} else {
		auto &split = files.Split(get, *scan.query, options.tasks);
		by_row_groups = by_row_groups && split.by_row_groups;
		stage_scan.sql = split.sql;
		result.distribution.kind = Kind::PARTITIONED;
		if (auto buckets = BucketsOf(get, options.tasks)) {
			result.distribution.keys.push_back({buckets->column});
			result.distribution.buckets = buckets->count;
		}
	}
	auto select = SelectColumns(stage_scan.name, scan.fields.size());
	result.replacements.push_back({get, {std::move(select), std::move(scan.fields)}});
	result.scans.push_back(std::move(stage_scan));
	return result;
}

Fragment FragmentPlanner::PlanRowByRow(LogicalOperator &op) {
	if (op.children.empty()) {
		return Fragment(op);
	}
	auto result = On(op, PlanFragment(*op.children[0]));
	if (op.type == LogicalOperatorType::LOGICAL_PROJECTION) {
		auto &projection = op.Cast<LogicalProjection>();
		result.distribution =
		    Renamed(result.distribution, [&](const ColumnBinding &binding) -> optional<ColumnBinding> {
			    for (idx_t i = 0; i < projection.expressions.size(); i++) {
				    auto &expression = *projection.expressions[i];
				    if (expression.GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF &&
				        expression.Cast<BoundColumnRefExpression>().Binding() == binding) {
					    return ColumnBinding(projection.table_index, ProjectionIndex(i));
				    }
			    }
			    return {};
		    });
	}
	return result;
}

Fragment FragmentPlanner::PlanAggregate(LogicalAggregate &aggregate) {
	if (aggregate.grouping_sets.size() > 1 || !aggregate.grouping_functions.empty()) {
		throw Undistributable("grouping sets are evaluated on one node");
	}
	bool mergeable = true;
	bool exact = true;
	for (auto &expression : aggregate.expressions) {
		auto &function = expression->Cast<BoundAggregateExpression>();
		if (DependsOnOrder(function)) {
			throw Undistributable(function.ToString() + " depends on the order of rows");
		}
		mergeable = mergeable && IsMergeable(function);
		exact = exact && IsExact(function);
	}
	auto child = PlanFragment(*aggregate.children[0]);
	if (child.distribution.kind == Kind::REPLICATED && !exact) {
		// Tasks could differ in the last digit
		child = Gather(std::move(child));
	}
	if (child.distribution.kind != Kind::PARTITIONED) {
		return On(aggregate, std::move(child));
	}
	Keys groups;
	vector<ColumnBinding> group_bindings;
	for (idx_t i = 0; i < aggregate.groups.size(); i++) {
		groups.push_back(*aggregate.groups[i]);
		group_bindings.emplace_back(aggregate.group_index, ProjectionIndex(i));
	}
	merge = groups.empty() ? "AGGREGATE_MERGE" : "GROUP_BY_MERGE";
	auto fits = PartitionedBy(child.distribution, BindingsOf(groups));
	if (!groups.empty() && !fits.empty()) {
		auto result = On(aggregate, std::move(child));
		result.distribution.keys = {Picked(group_bindings, fits)};
		return result;
	}
	if (mergeable) {
		auto keys = vector<unique_ptr<Expression>>();
		Keys references;
		for (idx_t i = 0; i < groups.size(); i++) {
			keys.push_back(make_uniq<BoundColumnRefExpression>(groups[i].get().GetReturnType(), group_bindings[i]));
			references.push_back(*keys.back());
		}
		auto closed = [&]() {
			PartialAggregate partial(aggregate);
			return Close(On(aggregate, std::move(child)), references, !groups.empty());
		}();
		vector<LogicalType> sent;
		for (idx_t i = 0; i < closed.fields.size(); i++) {
			sent.push_back(closed.fields[i].type);
			if (closed.fields[i].type.IsAggregateState()) {
				closed.fields[i].type = aggregate.types[i];
			}
		}
		auto result = Read(aggregate, closed, groups.empty() ? Exchange::GATHER : Exchange::SHUFFLE,
		                   MergeAggregates(aggregate, sent));
		if (!groups.empty()) {
			result.distribution.keys.push_back(std::move(group_bindings));
		}
		return result;
	}
	if (groups.empty()) {
		return On(aggregate, Gather(std::move(child)));
	}
	auto result = On(aggregate, Shuffle(std::move(child), groups, {}));
	result.distribution.keys = {std::move(group_bindings)};
	return result;
}

Fragment FragmentPlanner::PlanDistinct(LogicalOperator &op) {
	auto &distinct = op.Cast<LogicalDistinct>();
	if (distinct.distinct_type != DistinctType::DISTINCT || distinct.order_by) {
		throw Undistributable("DISTINCT ON depends on the order of rows");
	}
	auto child = PlanFragment(*op.children[0]);
	Keys targets;
	for (auto &target : distinct.distinct_targets) {
		targets.push_back(*target);
	}
	if (child.distribution.kind != Kind::PARTITIONED || !PartitionedBy(child.distribution, BindingsOf(targets)).empty()) {
		return On(op, std::move(child));
	}
	merge = "DISTINCT_MERGE";
	// Each task removes its own duplicates first
	auto closed = Close(On(op, std::move(child)), targets, true);
	auto result = On(op, Read(*op.children[0], closed, Exchange::SHUFFLE));
	auto columns = ColumnsOf(targets);
	if (!columns.empty()) {
		result.distribution.keys.push_back(std::move(columns));
	}
	return result;
}

//! Whether rows that arrive in another order may get other values.
static bool DependsOnArrival(const BoundWindowExpression &window) {
	if (!window.OrderBy().empty()) {
		return false;
	}
	auto whole = window.WindowStart() == WindowBoundary::UNBOUNDED_PRECEDING &&
	             (window.WindowEnd() == WindowBoundary::UNBOUNDED_FOLLOWING ||
	              window.WindowEnd() == WindowBoundary::CURRENT_ROW_RANGE);
	return window.WindowFunction() || !whole || window.WindowExclude() != WindowExcludeMode::NO_OTHER;
}

Fragment FragmentPlanner::PlanWindow(LogicalOperator &op) {
	vector<ColumnBinding> common;
	Keys keys;
	for (idx_t i = 0; i < op.expressions.size(); i++) {
		auto &window = op.expressions[i]->Cast<BoundWindowExpression>();
		if (DependsOnArrival(window)) {
			throw Undistributable(window.ToString() + " depends on the order of rows");
		}
		vector<ColumnBinding> columns;
		Keys references;
		for (auto &partition : window.Partitions()) {
			if (partition->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) {
				continue;
			}
			auto binding = partition->Cast<BoundColumnRefExpression>().Binding();
			if (i == 0 || std::find(common.begin(), common.end(), binding) != common.end()) {
				columns.push_back(binding);
				references.push_back(*partition);
			}
		}
		common = std::move(columns);
		keys = std::move(references);
	}
	auto child = PlanFragment(*op.children[0]);
	if (child.distribution.kind == Kind::SINGLE) {
		return On(op, std::move(child));
	}
	if (keys.empty() || child.distribution.kind == Kind::REPLICATED) {
		// Peers have no order: let one task decide
		return On(op, Gather(std::move(child)));
	}
	if (PartitionedBy(child.distribution, common).empty()) {
		child = Shuffle(std::move(child), keys, std::move(common));
	}
	return On(op, std::move(child));
}

Fragment FragmentPlanner::PlanTopN(LogicalOperator &op) {
	auto &top_n = op.Cast<LogicalTopN>();
	auto child = PlanFragment(*op.children[0]);
	if (child.distribution.kind == Kind::REPLICATED) {
		child = Gather(std::move(child));
	}
	if (child.distribution.kind == Kind::SINGLE) {
		return On(op, std::move(child));
	}
	if (top_n.unpruned_offset.IsValid()) {
		return On(op, Gather(std::move(child)));
	}
	auto closed = CloseCandidates(top_n, std::move(child));
	return On(op, Read(*op.children[0], closed, Exchange::GATHER));
}

Fragment FragmentPlanner::PlanUnion(LogicalOperator &op) {
	if (!op.Cast<LogicalSetOperation>().setop_all) {
		return PlanSetOperation(op);
	}
	vector<Fragment> children;
	bool partitioned = false;
	bool alike = true;
	for (auto &child : op.children) {
		children.push_back(PlanFragment(*child));
		partitioned = partitioned || children.back().distribution.kind == Kind::PARTITIONED;
		alike = alike && children.back().distribution.kind == children[0].distribution.kind;
	}
	Fragment result(op);
	result.distribution.kind = partitioned ? Kind::PARTITIONED : alike ? children[0].distribution.kind : Kind::SINGLE;
	for (auto &child : children) {
		Absorb(result, partitioned ? Partition(std::move(child)) : std::move(child));
	}
	return result;
}

Fragment FragmentPlanner::PlanSetOperation(LogicalOperator &op) {
	Fragment result(op);
	result.distribution.kind = Kind::PARTITIONED;
	for (auto &child : op.children) {
		Absorb(result, ShuffleByAllColumns(PlanFragment(*child)));
	}
	return result;
}

Fragment FragmentPlanner::PlanCTE(LogicalMaterializedCTE &cte) {
	auto &definition = *cte.children[0];
	// Every reader evaluates it for itself
	if (CountReferences(*cte.children[1], cte.table_index) > 1 &&
	    (!IsRepeatable(definition) || LeavesOf(definition).driver)) {
		throw Undistributable("common table expression " + cte.ctename.GetIdentifierName() +
		                      " is read more than once and must be evaluated once");
	}
	ctes.emplace(cte.table_index, cte);
	auto child = PlanFragment(*cte.children[1]);
	auto relation = Export(child);
	auto result = On(cte, std::move(child));
	result.replacements.clear();
	result.replacements.push_back({cte, std::move(relation)});
	return result;
}

Fragment FragmentPlanner::PlanCTEReference(LogicalOperator &op) {
	auto &reference = op.Cast<LogicalCTERef>();
	auto entry = ctes.find(reference.cte_index);
	if (entry == ctes.end() || reference.is_recurring) {
		throw Undistributable("a common table expression is evaluated on one node");
	}
	// Computed anew wherever it is read: its rows are in the tasks that need them
	auto child = PlanFragment(*entry->second.get().children[0]);
	auto relation = Export(child);
	auto defined = child.root.get().GetColumnBindings();
	auto bindings = op.GetColumnBindings();
	if (defined.size() != bindings.size() || relation.fields.size() != bindings.size()) {
		throw Undistributable("a common table expression has columns that are not read");
	}
	for (idx_t i = 0; i < bindings.size(); i++) {
		relation.fields[i].source_binding = bindings[i];
	}
	auto result = On(op, std::move(child));
	result.distribution = Renamed(result.distribution, [&](const ColumnBinding &binding) -> optional<ColumnBinding> {
		auto found = std::find(defined.begin(), defined.end(), binding);
		if (found == defined.end()) {
			return {};
		}
		return bindings[idx_t(found - defined.begin())];
	});
	result.replacements.clear();
	result.replacements.push_back({op, std::move(relation)});
	return result;
}

} // namespace duckling
