// A statement of a server that reads rows of the client.

#include "statement_with_inputs.hpp"

#include "catalog.hpp"
#include "pushed_statement.hpp"
#include "query_function.hpp"
#include "remote_load.hpp"
#include "remote_statement.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"
#include "server_plan.hpp"
#include "statement_state.hpp"
#include "transaction.hpp"

#include "duckdb/common/type_visitor.hpp"
#include "duckdb/common/types/column/column_data_collection.hpp"
#include "duckdb/execution/column_binding_resolver.hpp"
#include "duckdb/execution/operator/projection/physical_projection.hpp"
#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/parallel/meta_pipeline.hpp"
#include "duckdb/parallel/pipeline.hpp"
#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/tableref/emptytableref.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

//! The result of an input, on the client and as a table of the server.
struct InputTable {
	string name;
	vector<string> columns;
	//! On the server
	vector<LogicalType> types;
};

struct BoundStatementWithInputs {
	BoundStatementWithInputs(RemoteCatalog &catalog_p, SentStatement sent_p)
	    : catalog(catalog_p), sent(std::move(sent_p)) {
	}

	RemoteCatalog &catalog;
	SentStatement sent;
	vector<InputTable> inputs;
	vector<LogicalType> types;
	StatementReturnType return_type = StatementReturnType::QUERY_RESULT;
	//! The server measures it and throws its result away
	bool is_analyzed = false;
};

//! Takes in the rows of an input.
class InputSink : public PhysicalOperator {
public:
	InputSink(PhysicalPlan &plan, PhysicalOperator &child, const InputTable &table_p)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, child.types, child.estimated_cardinality),
	      table(table_p) {
		children.push_back(child);
	}

	struct GlobalState : public GlobalSinkState {
		GlobalState(ClientContext &context, const vector<LogicalType> &types) : rows(context, types) {
		}
		mutex lock;
		ColumnDataCollection rows;
	};
	struct LocalState : public LocalSinkState {
		LocalState(ClientContext &context, const vector<LogicalType> &types) : rows(context, types) {
			rows.InitializeAppend(append);
		}
		ColumnDataCollection rows;
		ColumnDataAppendState append;
	};

	string GetName() const override {
		return "LOCAL_INPUT";
	}
	InsertionOrderPreservingMap<string> ParamsToString() const override {
		InsertionOrderPreservingMap<string> result;
		result["Table"] = table.name;
		return result;
	}
	bool IsSink() const override {
		return true;
	}
	//! In one thread, so that the server gets the rows in the order of the query
	bool ParallelSink() const override {
		return false;
	}
	unique_ptr<GlobalSinkState> GetGlobalSinkState(ClientContext &context) const override {
		return make_uniq<GlobalState>(context, types);
	}
	unique_ptr<LocalSinkState> GetLocalSinkState(ExecutionContext &context) const override {
		return make_uniq<LocalState>(context.client, types);
	}
	SinkResultType Sink(ExecutionContext &, DataChunk &chunk, OperatorSinkInput &input) const override {
		auto &local = input.local_state.Cast<LocalState>();
		local.rows.Append(local.append, chunk);
		return SinkResultType::NEED_MORE_INPUT;
	}
	SinkCombineResultType Combine(ExecutionContext &, OperatorSinkCombineInput &input) const override {
		auto &global = input.global_state.Cast<GlobalState>();
		lock_guard<mutex> guard(global.lock);
		global.rows.Combine(input.local_state.Cast<LocalState>().rows);
		return SinkCombineResultType::FINISHED;
	}

	const ColumnDataCollection &Rows() const {
		return sink_state->Cast<GlobalState>().rows;
	}

	const InputTable &table;
};

//! Yields the result of the statement. Its children are the inputs.
class StatementWithInputs : public PhysicalOperator {
public:
	StatementWithInputs(PhysicalPlan &plan, unique_ptr<BoundStatementWithInputs> bound_p, idx_t estimated_cardinality)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, bound_p->types, estimated_cardinality),
	      bound(std::move(bound_p)) {
	}

	struct SourceState : public GlobalSourceState {
		//! Of the statement, not of the inputs
		const shared_ptr<RemoteProgress> progress = make_shared_ptr<RemoteProgress>();
		unique_ptr<ScanGlobalState> scan;
		unique_ptr<LocalTableFunctionState> local;
	};

	string GetName() const override {
		return "REMOTE_STATEMENT";
	}
	InsertionOrderPreservingMap<string> ParamsToString() const override {
		InsertionOrderPreservingMap<string> result;
		result["Server"] = bound->catalog.GetName().GetIdentifierName();
		result["Remote SQL"] = bound->sent.Sql();
		return result;
	}
	const BoundStatementWithInputs &Bound() const {
		return *bound;
	}

	void BuildPipelines(Pipeline &current, MetaPipeline &meta_pipeline) override {
		op_state.reset();
		meta_pipeline.GetState().SetPipelineSource(current, *this);
		for (auto &child : children) {
			auto &input = child.get();
			input.sink_state.reset();
			meta_pipeline.CreateChildMetaPipeline(current, input).Build(input.children[0].get());
		}
	}
	vector<const_reference<PhysicalOperator>> GetSources() const override {
		return {*this};
	}
	bool IsSource() const override {
		return true;
	}
	unique_ptr<GlobalSourceState> GetGlobalSourceState(ClientContext &) const override {
		return make_uniq<SourceState>();
	}
	ProgressData GetProgress(ClientContext &, GlobalSourceState &state) const override {
		ProgressData result;
		result.done = state.Cast<SourceState>().progress->Percent();
		result.total = 100;
		return result;
	}

protected:
	SourceResultType GetDataInternal(ExecutionContext &context, DataChunk &chunk,
	                                 OperatorSourceInput &input) const override {
		if (bound->is_analyzed) {
			Run(context.client, input.global_state.Cast<SourceState>().progress);
			return SourceResultType::FINISHED;
		}
		auto &state = input.global_state.Cast<SourceState>();
		if (!state.scan) {
			state.scan = make_uniq<ScanGlobalState>(context.client, Run(context.client, state.progress), false);
			vector<column_t> columns;
			for (idx_t i = 0; i < types.size(); i++) {
				columns.push_back(i);
			}
			vector<idx_t> projection;
			TableFunctionInitInput init(nullptr, std::move(columns), projection, nullptr);
			state.local = ScanInitLocal(context, init, state.scan.get());
		}
		TableFunctionInput scan(nullptr, state.local.get(), state.scan.get());
		ScanFunction(context.client, scan, chunk);
		return chunk.size() == 0 ? SourceResultType::FINISHED : SourceResultType::HAVE_MORE_OUTPUT;
	}

private:
	void Load(ClientContext &context, RemoteTransaction &transaction, const InputSink &input) const;
	//! No stream if the statement is analyzed.
	unique_ptr<RemoteStream> Run(ClientContext &context, const shared_ptr<RemoteProgress> &progress) const;

	unique_ptr<BoundStatementWithInputs> bound;
};

struct LogicalStatementWithInputs : public LogicalExtensionOperator {
	LogicalStatementWithInputs(TableIndex table_index_p, unique_ptr<BoundStatementWithInputs> bound_p)
	    : table_index(table_index_p), bound(std::move(bound_p)) {
	}

	static constexpr const char *NAME = "REMOTE_STATEMENT";

	string GetName() const override {
		return NAME;
	}
	string GetExtensionName() const override {
		return "duckherder";
	}
	vector<ColumnBinding> GetColumnBindings() override {
		return GenerateColumnBindings(table_index, bound->types.size());
	}
	void ResolveTypes() override {
		types = bound->types;
	}
	vector<TableIndex> GetTableIndex() const override {
		return {table_index};
	}
	//! `expressions` are the columns of the inputs, one input after the other: they keep the optimizer from dropping any,
	//! and find them again where it has moved them.
	void ResolveColumnBindings(ColumnBindingResolver &resolver, vector<ColumnBinding> &bindings) override;
	PhysicalOperator &CreatePlan(ClientContext &context, PhysicalPlanGenerator &planner) override;

	TableIndex table_index;
	unique_ptr<BoundStatementWithInputs> bound;
};

} // namespace

void StatementWithInputs::Load(ClientContext &context, RemoteTransaction &transaction, const InputSink &input) const {
	auto &table = input.table;
	// Printed by DuckDB, with the collations that the names of types leave out
	CreateTableInfo create(QualifiedName(Identifier(table.name)));
	create.temporary = true;
	for (idx_t i = 0; i < table.columns.size(); i++) {
		create.columns.AddColumn(ColumnDefinition(Identifier(table.columns[i]), table.types[i]));
	}
	LoadTarget target;
	target.create_sql = create.ToString();
	target.table = table.name;
	target.columns = table.columns;
	target.types = input.types;
	RemoteLoad load(context, transaction, target, true);
	RemoteLoad::Batch batch;
	for (auto &chunk : input.Rows().Chunks()) {
		load.Append(context, batch, chunk);
	}
	load.Flush(context, batch);
	load.Finish(context);
}

unique_ptr<RemoteStream> StatementWithInputs::Run(ClientContext &context,
                                                  const shared_ptr<RemoteProgress> &progress) const {
	auto &transaction = RemoteTransaction::Get(context, bound->catalog);
	transaction.ReadOneSnapshot();
	for (auto &child : children) {
		Load(context, transaction, child.get().Cast<InputSink>());
	}
	unique_ptr<RemoteStream> stream;
	if (bound->is_analyzed) {
		AddToProfile(context, *this, AnalyzeOnServer(context, bound->catalog, bound->sent, true));
	} else {
		WaitInOperator wait(context);
		WatchedStart start {progress, wait};
		stream = make_uniq<RemoteStream>(context, bound->catalog, bound->sent, DH_EXECUTE_RUN, true, nullptr, false, start);
		CheckColumnTypes(stream->Columns(), bound->types);
	}
	// The statement is over when its first row arrives
	for (auto &table : bound->inputs) {
		RunRemote(context, bound->catalog, "DROP TABLE temp.main." + table.name);
	}
	return stream;
}

void LogicalStatementWithInputs::ResolveColumnBindings(ColumnBindingResolver &resolver,
                                                       vector<ColumnBinding> &bindings) {
	idx_t column = 0;
	for (idx_t i = 0; i < children.size(); i++) {
		resolver.VisitOperator(*children[i]);
		for (auto end = column + bound->inputs[i].columns.size(); column < end; column++) {
			resolver.VisitExpression(&expressions[column]);
		}
	}
	bindings = GetColumnBindings();
}

PhysicalOperator &LogicalStatementWithInputs::CreatePlan(ClientContext &, PhysicalPlanGenerator &planner) {
	auto &statement = planner.Make<StatementWithInputs>(std::move(bound), estimated_cardinality);
	auto &tables = statement.Cast<StatementWithInputs>().Bound().inputs;
	auto column = expressions.begin();
	for (idx_t i = 0; i < children.size(); i++) {
		auto &plan = planner.CreatePlan(*children[i]);
		vector<LogicalType> column_types;
		vector<unique_ptr<Expression>> columns;
		for (auto end = column + tables[i].columns.size(); column != end; column++) {
			column_types.push_back((*column)->GetReturnType());
			columns.push_back(std::move(*column));
		}
		auto &projection =
		    planner.Make<PhysicalProjection>(std::move(column_types), std::move(columns), plan.estimated_cardinality);
		projection.children.push_back(plan);
		statement.children.push_back(planner.Make<InputSink>(projection, tables[i]));
	}
	return statement;
}

//! What the server makes of a type: it knows no user types of the client, and has no columns of type NULL.
static LogicalType TypeOnServer(const LogicalType &type) {
	return TypeVisitor::VisitReplace(type, [](const LogicalType &part) {
		if (part.id() == LogicalTypeId::SQLNULL) {
			return LogicalType(LogicalType::VARCHAR);
		}
		if (part.HasAlias() && !part.IsJSONType()) {
			return part.WithAlias("");
		}
		return part;
	});
}

//! Column names as they are, but each only once.
static vector<string> UniqueNames(const vector<Identifier> &names) {
	vector<string> result;
	identifier_set_t seen;
	for (auto &name : names) {
		auto unique = name;
		for (idx_t i = 1; !seen.insert(unique).second; i++) {
			unique = Identifier(name.GetIdentifierName() + "_" + to_string(i));
		}
		result.push_back(unique.GetIdentifierName());
	}
	return result;
}

//! A cast cannot name a collation, and what a statement returns does not depend on it.
static LogicalType WithoutCollation(const LogicalType &type) {
	return TypeVisitor::VisitReplace(type, [](const LogicalType &part) {
		return part.id() == LogicalTypeId::VARCHAR && !part.HasAlias() ? LogicalType(LogicalType::VARCHAR) : part;
	});
}

//! `WITH input AS (SELECT NULL::type AS column, …)`: lets the server bind the statement before there is a table.
static unique_ptr<CommonTableExpressionInfo> Placeholder(const InputTable &table) {
	auto node = make_uniq<SelectNode>();
	for (idx_t i = 0; i < table.columns.size(); i++) {
		auto column = make_uniq<CastExpression>(WithoutCollation(table.types[i]), ConstantExpression::FromValue(Value()));
		column->SetAlias(Identifier(table.columns[i]));
		node->select_list.push_back(std::move(column));
	}
	node->from_table = make_uniq<EmptyTableRef>();
	auto cte = make_uniq<CommonTableExpressionInfo>();
	cte->query_node = std::move(node);
	return cte;
}

static void Describe(ClientContext &context, BoundStatementWithInputs &bound, const QueryNode &node,
                     vector<Identifier> &names) {
	shared_ptr<QueryNode> described = node.Copy();
	// First, because those of the statement may read them
	CommonTableExpressionMap ctes;
	for (auto &table : bound.inputs) {
		ctes.map[Identifier(table.name)] = Placeholder(table);
	}
	for (auto &entry : described->cte_map.map) {
		ctes.map[entry.first] = std::move(entry.second);
	}
	described->cte_map = std::move(ctes);
	RemoteStream stream(context, bound.catalog, SentStatement(described), DH_EXECUTE_DESCRIBE, false);
	bound.types = stream.Types(context);
	CheckColumnTypes(stream.Columns(), bound.types);
	bound.return_type = stream.ReturnType();
	names = StringsToIdentifiers(stream.Columns().GetNames());
}

unique_ptr<LogicalOperator> BindStatementWithInputs(ClientContext &context, TableFunctionBindInput &input,
                                                    TableIndex bind_index, vector<Identifier> &return_names) {
	auto pushed = PushedBy(input);
	if (!pushed || pushed->inputs.empty()) {
		return nullptr;
	}
	shared_ptr<QueryNode> node = PushedNode(input, *pushed);
	auto bound = make_uniq<BoundStatementWithInputs>(RemoteCatalog::Find(context, StringValue::Get(input.inputs[0])),
	                                                 SentStatement(node));
	vector<unique_ptr<LogicalOperator>> plans;
	for (auto &local : pushed->inputs) {
		auto binder = Binder::CreateBinder(context, input.binder);
		auto query = local->query->node->Copy();
		auto result = binder->Bind(*query);
		InputTable table;
		table.name = local->name;
		table.columns = UniqueNames(result.names);
		for (auto &type : result.types) {
			table.types.push_back(TypeOnServer(type));
		}
		bound->inputs.push_back(std::move(table));
		plans.push_back(std::move(result.plan));
	}
	auto shape = ShapeOf(pushed->kind);
	if (shape) {
		bound->types = {shape->type};
		bound->return_type = shape->return_type;
		return_names = {Identifier(shape->name)};
	} else {
		Describe(context, *bound, *node, return_names);
	}
	RegisterUse(context, input, bound->catalog, false);
	auto result = make_uniq<LogicalStatementWithInputs>(bind_index, std::move(bound));
	for (auto &plan : plans) {
		plan->ResolveOperatorTypes();
		auto bindings = plan->GetColumnBindings();
		for (idx_t i = 0; i < bindings.size(); i++) {
			result->expressions.push_back(make_uniq<BoundColumnRefExpression>(plan->types[i], bindings[i]));
		}
	}
	result->children = std::move(plans);
	return std::move(result);
}

//! Down through what only passes columns on.
static optional_ptr<LogicalStatementWithInputs> FindStatement(LogicalOperator &op) {
	if (op.type == LogicalOperatorType::LOGICAL_EXTENSION_OPERATOR && op.GetName() == LogicalStatementWithInputs::NAME) {
		return static_cast<LogicalStatementWithInputs &>(op);
	}
	return op.type == LogicalOperatorType::LOGICAL_PROJECTION ? FindStatement(*op.children[0]) : nullptr;
}

void AnalyzeStatementWithInputs(LogicalOperator &op) {
	auto found = FindStatement(op);
	if (found) {
		found->bound->is_analyzed = CanBeExplained(found->bound->sent.Sql());
	}
}

static void SetReturnType(PlannerExtensionInput &input, BoundStatement &statement) {
	auto found = statement.plan ? FindStatement(*statement.plan) : nullptr;
	if (found) {
		input.binder.GetStatementProperties().return_type = found->bound->return_type;
	}
}

PlannerExtension ReturnTypeOfStatementsWithInputs() {
	PlannerExtension extension;
	extension.post_bind_function = SetReturnType;
	return extension;
}

} // namespace duckherder
