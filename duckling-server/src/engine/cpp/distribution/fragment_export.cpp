// Fragments of a plan as SQL, and the stages that are made of them.

#include "distribution_settings.hpp"
#include "fragment_planner.hpp"
#include "fragment_sql.hpp"
#include "table_readers.hpp"

#include "duckdb/common/extension_type_info.hpp"
#include "duckdb/common/type_visitor.hpp"
#include "duckdb/function/scalar/generic_common.hpp"
#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/star_expression.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Of the rows of a fragment, while their hash is computed
constexpr const char *ROWS = "fragment";

template <class T>
T Succeeded(LogicalPlanVerificationResult<T> result) {
	if (result.HasError()) {
		auto &issues = result.GetIssues();
		throw Undistributable(issues.empty() ? "DuckDB cannot write it as SQL" : issues[0].message);
	}
	return std::move(result.GetValue());
}

//! Arrow has no collations: what compares texts in another duckling would do it without.
void CheckTypes(const vector<LogicalPlanSQLExportField> &fields) {
	for (auto &field : fields) {
		auto collated = TypeVisitor::Contains(field.type, [](const LogicalType &type) {
			return type.id() == LogicalTypeId::VARCHAR && !StringType::GetCollation(type).empty();
		});
		if (collated) {
			throw Undistributable("a column has a collation");
		}
	}
}

unique_ptr<TableRef> Subquery(unique_ptr<QueryNode> query, const char *alias) {
	auto statement = make_uniq<SelectStatement>();
	statement->node = std::move(query);
	auto result = make_uniq<SubqueryRef>(std::move(statement));
	result->alias = Identifier(alias);
	return std::move(result);
}

//! The rows of `query`, of the very types as which they are sent: states of aggregates are STRUCTs, and DuckDB writes the column
//! of a scan of which only the rows count, a BOOLEAN, as the number 1.
unique_ptr<QueryNode> AsSent(unique_ptr<QueryNode> query, const vector<LogicalPlanSQLExportField> &fields) {
	auto may_differ = [](const LogicalType &type) {
		return type.IsAggregateState() || type.id() == LogicalTypeId::BOOLEAN;
	};
	bool any = false;
	for (auto &field : fields) {
		any = any || may_differ(field.type);
	}
	if (!any) {
		return query;
	}
	auto select = make_uniq<SelectNode>();
	for (idx_t i = 0; i < fields.size(); i++) {
		auto &type = fields[i].type;
		unique_ptr<ParsedExpression> column = make_uniq<ColumnRefExpression>(ColumnName(i), Identifier(ROWS));
		if (may_differ(type)) {
			column = make_uniq<CastExpression>(SentType(type), std::move(column));
		}
		column->SetAlias(ColumnName(i));
		select->select_list.push_back(std::move(column));
	}
	select->from_table = Subquery(std::move(query), ROWS);
	return std::move(select);
}

//! The rows of `relation`, and a last column with the hash of `keys`, or of the whole row.
unique_ptr<QueryNode> WithHash(ClientContext &context, LogicalPlanSQLExportRelation relation,
                               const Keys &keys) {
	BoundExpressionSQLExportContext names;
	names.client_context = &context;
	names.resolve_binding = [&](const ColumnBinding &binding) -> optional<ResolvedSQLColumnReference> {
		for (idx_t i = 0; i < relation.fields.size(); i++) {
			auto &field = relation.fields[i];
			if (field.source_binding == binding) {
				return ResolvedSQLColumnReference {{Identifier(ROWS), ColumnName(i)}, field.type, field.optimizer_type};
			}
		}
		return {};
	};
	vector<unique_ptr<ParsedExpression>> arguments;
	for (auto &key : keys) {
		arguments.push_back(Succeeded(BoundExpressionSQLExporter::Export(key, names)));
	}
	if (keys.empty()) {
		for (idx_t i = 0; i < relation.fields.size(); i++) {
			arguments.push_back(make_uniq<ColumnRefExpression>(ColumnName(i), Identifier(ROWS)));
		}
	}
	auto select = make_uniq<SelectNode>();
	select->select_list.push_back(make_uniq<StarExpression>());
	auto hash = make_uniq<FunctionExpression>(Identifier("hash"), std::move(arguments));
	hash->SetAlias(Identifier("hash"));
	select->select_list.push_back(std::move(hash));
	select->from_table = Subquery(std::move(relation.query), ROWS);
	return std::move(select);
}

} // namespace

Identifier ColumnName(idx_t index) {
	return Identifier("c" + to_string(index));
}

unique_ptr<TableRef> TableNamed(const string &name) {
	auto result = make_uniq<BaseTableRef>();
	result->SetQualifiedName(QualifiedName(Identifier(), Identifier(), Identifier(name)));
	return std::move(result);
}

unique_ptr<SelectNode> SelectColumns(const string &table, idx_t count) {
	auto result = make_uniq<SelectNode>();
	for (idx_t i = 0; i < count; i++) {
		result->select_list.push_back(make_uniq<ColumnRefExpression>(ColumnName(i)));
	}
	if (count == 0) {
		result->select_list.push_back(ConstantExpression::FromValue(Value::BOOLEAN(true)));
	}
	result->from_table = TableNamed(table);
	return result;
}

LogicalType SentType(const LogicalType &type) {
	return type.IsAggregateState() ? type.WithAlias("").WithExtensionInfo(nullptr) : type;
}

unique_ptr<ParsedExpression> StateOf(const LogicalType &type, unique_ptr<ParsedExpression> column) {
	if (!type.IsAggregateState()) {
		return column;
	}
	auto state = ExportAggregateFunction::StateToSQL(type, std::move(column));
	if (!state) {
		throw Undistributable("DuckDB cannot write the state of an aggregate as SQL");
	}
	return state;
}

LogicalPlanSQLExportRelation FragmentPlanner::Export(const Fragment &fragment) {
	auto &root = fragment.root.get();
	if (fragment.replacements.empty()) {
		return Succeeded(LogicalPlanSQLExporter::Export(context, root));
	}
	vector<LogicalPlanSQLExportReplacement> replacements;
	for (auto &replacement : fragment.replacements) {
		replacements.push_back({replacement.op, {replacement.relation.query->Copy(), replacement.relation.fields}});
	}
	auto result = Succeeded(LogicalPlanSQLExporter::ExportWithSources(context, root, replacements));
	for (auto &entry : result.query->cte_map.map) {
		if (CountReaders(entry.first, *result.query) == 1) {
			// Let it stream
			entry.second->materialized = CTEMaterialize::CTE_MATERIALIZE_NEVER;
		}
	}
	return result;
}

FragmentPlanner::Closed FragmentPlanner::CloseFeed(LogicalOperator &op, const Keys &keys, bool hashed) {
	Closed closed {stages.size(), {}};
	auto bindings = op.GetColumnBindings();
	for (idx_t i = 0; i < bindings.size(); i++) {
		if (op.types[i].IsAggregateState()) {
			throw Undistributable("a column of what the driver computes is the state of an aggregate");
		}
		closed.fields.push_back({bindings[i], op.types[i]});
	}
	CheckTypes(closed.fields);
	if (bindings.empty()) {
		throw Undistributable("a part of it that the driver computes has no columns");
	}
	Stage stage;
	stage.feed = feeds.size();
	stage.types = op.types;
	if (hashed) {
		stage.types.push_back(LogicalType::HASH);
	}
	stage.tasks = 1;
	stage.hashed = hashed;
	stages.push_back(std::move(stage));
	feeds.push_back({op, keys, hashed, Rows(op)});
	return closed;
}

FragmentPlanner::Closed FragmentPlanner::Close(const Fragment &fragment, const Keys &keys, bool hashed) {
	if (auto feed = fragment.feed) {
		return CloseFeed(*feed, keys, hashed);
	}
	auto relation = Export(fragment);
	CheckTypes(relation.fields);
	Closed closed {stages.size(), relation.fields};
	Stage stage;
	for (auto &field : relation.fields) {
		stage.types.push_back(SentType(field.type));
	}
	relation.query = AsSent(std::move(relation.query), relation.fields);
	if (relation.fields.empty()) {
		// Rows without columns are counted all the same
		auto select = make_uniq<SelectNode>();
		select->select_list.push_back(ConstantExpression::FromValue(Value::BOOLEAN(true)));
		select->select_list.back()->SetAlias(ColumnName(0));
		select->from_table = Subquery(std::move(relation.query), ROWS);
		relation.query = std::move(select);
		stage.types.push_back(LogicalType::BOOLEAN);
	}
	auto query = hashed ? WithHash(context, std::move(relation), keys) : std::move(relation.query);
	if (hashed) {
		stage.types.push_back(LogicalType::HASH);
	}
	stage.sql = query->ToString();
	stage.tasks = fragment.distribution.kind == Distribution::Kind::PARTITIONED ? options.tasks : 1;
	stage.hashed = hashed;
	stage.inputs = fragment.inputs;
	stage.scans = fragment.scans;
	for (auto &scan : stage.scans) {
		// What every task reads alike was written once
		scan.sql.resize(stage.tasks, scan.sql[0]);
	}
	stages.push_back(std::move(stage));
	return closed;
}

Fragment FragmentPlanner::Read(LogicalOperator &op, const Closed &closed, Exchange exchange) {
	return Read(op, closed, exchange, nullptr);
}

Fragment FragmentPlanner::Read(LogicalOperator &op, const Closed &closed, Exchange exchange,
                               unique_ptr<QueryNode> query) {
	StageInput input {"__duckling_input_" + to_string(closed.stage), closed.stage, exchange};
	Fragment result(op);
	if (query) {
		query->Cast<SelectNode>().from_table = TableNamed(input.name);
	} else {
		auto select = SelectColumns(input.name, closed.fields.size());
		for (idx_t i = 0; i < closed.fields.size(); i++) {
			select->select_list[i] = StateOf(closed.fields[i].type, std::move(select->select_list[i]));
			select->select_list[i]->SetAlias(ColumnName(i));
		}
		query = std::move(select);
	}
	result.replacements.push_back({op, {std::move(query), closed.fields}});
	result.inputs.push_back(std::move(input));
	switch (exchange) {
	case Exchange::SHUFFLE:
		result.distribution.kind = Distribution::Kind::PARTITIONED;
		break;
	case Exchange::BROADCAST:
		result.distribution.kind = Distribution::Kind::REPLICATED;
		break;
	default:
		result.distribution.kind = Distribution::Kind::SINGLE;
	}
	return result;
}

Fragment FragmentPlanner::Shuffle(Fragment fragment, const Keys &keys, vector<ColumnBinding> bindings) {
	auto result = Read(fragment.root, Close(fragment, keys, true), Exchange::SHUFFLE);
	result.feed = fragment.feed;
	if (!bindings.empty()) {
		result.distribution.keys.push_back(std::move(bindings));
	}
	return result;
}

Fragment FragmentPlanner::ShuffleByAllColumns(Fragment fragment) {
	return Shuffle(std::move(fragment), {}, {});
}

Fragment FragmentPlanner::Broadcast(Fragment fragment) {
	auto result = Read(fragment.root, Close(fragment, {}, false), Exchange::BROADCAST);
	result.feed = fragment.feed;
	return result;
}

Fragment FragmentPlanner::Gather(Fragment fragment) {
	return Read(fragment.root, Close(fragment, {}, false), Exchange::GATHER);
}

Fragment FragmentPlanner::Partition(Fragment fragment) {
	if (fragment.distribution.kind == Distribution::Kind::PARTITIONED) {
		return fragment;
	}
	return ShuffleByAllColumns(std::move(fragment));
}

DistributedQuery FragmentPlanner::Assemble(const Closed &last) {
	DistributedQuery result;
	unordered_map<idx_t, idx_t> numbers;
	std::function<idx_t(idx_t)> add = [&](idx_t index) {
		auto stage = stages[index];
		for (auto &input : stage.inputs) {
			input.stage = add(input.stage);
		}
		if (stage.feed.IsValid()) {
			auto &feed = feeds[stage.feed.GetIndex()];
			for (auto &other : result.feeds) {
				if (&other.op.get() == &feed.op.get()) {
					throw Undistributable("what the driver computes is read more than once");
				}
			}
			result.feeds.push_back(feed);
			stage.feed = result.feeds.size() - 1;
		}
		result.stages.push_back(std::move(stage));
		return result.stages.size() - 1;
	};
	add(last.stage);
	result.mode = result.TaskCount() == 1 ? "DELEGATED" : by_row_groups ? "ROW_GROUP_PARTITION" : "NATURAL_PARTITION";
	result.merge = merge ? merge : "CONCATENATE";
	CheckWorth(result);
	return result;
}

void FragmentPlanner::CheckWorth(const DistributedQuery &query) const {
	if (query.stages.back().feed.IsValid()) {
		throw Undistributable("it is on the driver");
	}
	idx_t scans = 0, read = 0, fed = 0;
	for (auto &stage : query.stages) {
		for (auto &scan : stage.scans) {
			scans++;
			read += scan.rows;
		}
	}
	bool has_table = false;
	for (auto &feed : query.feeds) {
		fed += feed.rows;
		has_table = has_table || feed.op.get().children.empty();
	}
	if (options.forced) {
		if (scans == 0 && !has_table) {
			throw Undistributable("the driver computes all of it");
		}
		return;
	}
	if (read < options.threshold) {
		throw Undistributable(StringUtil::Format("it reads about %llu rows of files, fewer than %s says", read,
		                                         DISTRIBUTION_THRESHOLD));
	}
	if (fed > read) {
		throw Undistributable(StringUtil::Format("about %llu rows of the driver would travel for %llu rows of files",
		                                         fed, read));
	}
}

} // namespace duckling
