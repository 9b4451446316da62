// The table function duckherder_query(catalog, sql).

#include "query_function.hpp"

#include "catalog.hpp"
#include "pushed_statement.hpp"
#include "remote_stream.hpp"
#include "returning.hpp"
#include "scan_state.hpp"
#include "server_plan.hpp"
#include "statement_state.hpp"
#include "statement_with_inputs.hpp"
#include "transaction.hpp"

#include "duckdb/common/enums/database_modification_type.hpp"
#include "duckdb/execution/operator/scan/physical_table_scan.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/main/prepared_statement_data.hpp"
#include "duckdb/main/profiler/profiling_node.hpp"
#include "duckdb/main/settings.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/parameter_expression.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/bound_parameter_map.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct QueryBindData : public RemoteScanData {
	QueryBindData(RemoteCatalog &catalog, SentStatement sent_p) : RemoteScanData(catalog), sent(std::move(sent_p)) {
	}

	string ExplainedSql(ClientContext &, const PhysicalTableScan &) override {
		return sent.Sql();
	}

	SentStatement sent;
	vector<LogicalType> types;
	bool read_only = false;
	//! The user's statement, as opposed to one in an argument of the user's
	bool is_whole_plan = false;
	//! What the client expects the statement to return, as long as the server has not confirmed it
	optional<ResultShape> expected;
	//! The server measures the statement and throws its result away
	bool is_analyzed = false;
	//! Set if the statement was started when it was planned
	shared_ptr<OpenedStream> opened;
	//! It may have changed something, so it must not be started again
	bool has_run = false;
};

//! DuckDB looks whether a plan may be executed at all after states were asked of it. An explicit instantiation may name what is
//! private.
template <void (ClientContext::*METHOD)(PreparedStatementData &)>
struct Executable {
	friend void CheckIsExecutable(ClientContext &context, PreparedStatementData &prepared) {
		(context.*METHOD)(prepared);
	}
};
void CheckIsExecutable(ClientContext &context, PreparedStatementData &prepared);
template struct Executable<&ClientContext::CheckIfPreparedStatementIsExecutable>;

//! Of a statement that is analyzed.
struct AnalyzedState : public GlobalTableFunctionState {
	explicit AnalyzedState(optional_ptr<const PhysicalOperator> op_p) : op(op_p) {
	}

	optional_ptr<const PhysicalOperator> op;
	bool is_done = false;
	ServerProfile profile;
};

} // namespace

optional_ptr<PushedStatement> PushedBy(TableFunctionBindInput &input) {
	return input.ref.bind_info ? &input.ref.bind_info->Cast<PushedStatement>() : nullptr;
}

//! DuckDB counts a statement's parameters after it was replaced by the call that runs it, and would refuse their values:
//! it accepts those that the plan knows.
static void KnowParameters(Binder &binder) {
	auto parameters = binder.GetParameters();
	if (!parameters) {
		return;
	}
	for (auto &supplied : parameters->GetParameterData()) {
		auto &known = (*parameters->GetParametersPtr())[supplied.first];
		if (!known) {
			auto &value = supplied.second.GetValue();
			known = make_shared_ptr<BoundParameterData>(value, value.type());
		}
	}
}

unique_ptr<QueryNode> PushedNode(TableFunctionBindInput &input, const PushedStatement &pushed) {
	if (input.binder) {
		KnowParameters(*input.binder);
	}
	return pushed.WithValues(vector<Value>(input.inputs.begin() + 2, input.inputs.end()));
}

//! What to run: the second argument, with the others in the places of its parameters.
static SentStatement ToSend(TableFunctionBindInput &input, optional_ptr<PushedStatement> pushed) {
	if (pushed) {
		return pushed->HasParameters() ? SentStatement(PushedNode(input, *pushed)) : pushed->sent;
	}
	if (input.inputs.size() > 2) {
		throw BinderException("%s(catalog, sql) takes two arguments", QUERY_FUNCTION_NAME);
	}
	return SentStatement::AsArgument(StringValue::Get(input.inputs[1]));
}

void RegisterUse(ClientContext &context, TableFunctionBindInput &input, Catalog &catalog, bool read_only) {
	if (!input.binder) {
		return;
	}
	// The remote may change between two executions of a prepared statement, and nobody would tell us
	input.binder->SetAlwaysRequireRebind();
	auto &properties = input.binder->GetStatementProperties();
	if (read_only) {
		properties.RegisterDBRead(catalog, context);
	} else {
		properties.RegisterDBModify(catalog, context,
		                            DatabaseModificationType::INSERT_DATA | DatabaseModificationType::DELETE_DATA |
		                                DatabaseModificationType::UPDATE_DATA | DatabaseModificationType::ALTER_TABLE |
		                                DatabaseModificationType::CREATE_CATALOG_ENTRY |
		                                DatabaseModificationType::DROP_CATALOG_ENTRY);
	}
}

//! Bind the statement as the server has described it. Returns the names of its columns.
static vector<string> BindAsDescribed(ClientContext &context, TableFunctionBindInput &input, QueryBindData &data,
                                      RemoteStream &stream) {
	data.types = stream.Types(context);
	CheckColumnTypes(stream.Columns(), data.types);
	data.read_only = stream.IsReadOnly();
	input.table_function.call_return_type = stream.ReturnType();
	return stream.Columns().GetNames();
}

//! Ask the server what the statement is. A query that will be executed is started with the same call.
static vector<string> BindOnServer(ClientContext &context, TableFunctionBindInput &input, QueryBindData &data,
                                   bool is_query) {
	auto &transaction = RemoteTransaction::Get(context, data.catalog);
	auto starts = transaction.BindsFirstSource() && is_query && Settings::Get<EnableOptimizerSetting>(context) &&
	              StatementState::Of(context).IsBoundToExecute(input.binder);
	auto mode = starts ? DH_EXECUTE_DESCRIBE_AND_RUN : DH_EXECUTE_DESCRIBE;
	auto stream = make_uniq<RemoteStream>(context, data.catalog, data.sent, mode, false);
	auto names = BindAsDescribed(context, input, data, *stream);
	if (stream->IsRunning()) {
		data.opened = make_shared_ptr<OpenedStream>();
		data.opened->stream = std::move(stream);
		transaction.SetOpened(data.opened);
	}
	return names;
}

//! Bind a change with RETURNING as the client expects it to be; no names if it cannot tell. The server confirms it when the
//! plan is complete.
static vector<string> BindAsExpected(ClientContext &context, TableFunctionBindInput &input, QueryBindData &data) {
	auto expected = ExpectedShape(context, data.catalog, data.sent.Sql());
	if (!expected) {
		return {};
	}
	try {
		for (auto &type : expected->types) {
			data.types.push_back(ParseType(context, ToStr(type)));
		}
	} catch (const Exception &) {
		data.types.clear();
		return {};
	}
	// As those of a result that arrives
	auto names = expected->names;
	QueryResult::DeduplicateColumns(names);
	RemoteTransaction::Get(context, data.catalog).BindsFirstSource();
	input.table_function.call_return_type = StatementReturnType::QUERY_RESULT;
	data.expected = std::move(expected);
	return names;
}

static vector<string> BindColumns(ClientContext &context, TableFunctionBindInput &input, QueryBindData &data,
                                  StatementKind kind) {
	auto answered = RemoteTransaction::Get(context, data.catalog).Answered(data.sent.Sql());
	if (answered) {
		data.opened = answered;
		data.has_run = answered->stream->IsRunning();
		return BindAsDescribed(context, input, data, *answered->stream);
	}
	auto &state = StatementState::Of(context);
	if (kind == StatementKind::CHANGES_AND_RETURNS && state.IsFirstPlan() && state.IsBoundToExecute(input.binder)) {
		auto names = BindAsExpected(context, input, data);
		if (!names.empty()) {
			return names;
		}
	}
	return BindOnServer(context, input, data, kind == StatementKind::QUERY);
}

static unique_ptr<FunctionData> Bind(ClientContext &context, TableFunctionBindInput &input,
                                     vector<LogicalType> &return_types, vector<Identifier> &names) {
	if (input.inputs[0].IsNull() || input.inputs[1].IsNull()) {
		throw BinderException("%s: neither the catalog nor the statement may be NULL", QUERY_FUNCTION_NAME);
	}
	auto pushed = PushedBy(input);
	auto data = make_uniq<QueryBindData>(RemoteCatalog::Find(context, StringValue::Get(input.inputs[0])),
	                                     ToSend(input, pushed));
	data->is_whole_plan = pushed;
	auto kind = pushed ? pushed->kind : KindOf(data->sent.Sql());
	auto shape = ShapeOf(kind);
	// Where nothing is going to be executed, asking is the only way to find an error
	if (shape && StatementState::Of(context).IsBoundToExecute(input.binder)) {
		data->types = {shape->type};
		input.table_function.call_return_type = shape->return_type;
		names = {Identifier(shape->name)};
	} else {
		names = StringsToIdentifiers(BindColumns(context, input, *data, kind));
	}
	RegisterUse(context, input, data->catalog, data->read_only);
	return_types = data->types;
	return std::move(data);
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &data = input.bind_data->Cast<QueryBindData>();
	if (data.is_analyzed) {
		return make_uniq<AnalyzedState>(input.op);
	}
	unique_ptr<RemoteStream> stream;
	if (data.opened && data.opened->stream && data.opened->stream->IsRunning()) {
		stream = std::move(data.opened->stream);
	} else if (data.has_run) {
		throw InvalidInputException("What a statement of a server has returned can be read only once");
	}
	if (!stream) {
		auto expected = data.expected ? &*data.expected : nullptr;
		auto progress = make_shared_ptr<RemoteProgress>();
		WaitForWholePlan wait(context, *progress);
		WatchedStart start {std::move(progress), wait};
		stream = make_uniq<RemoteStream>(context, data.catalog, data.sent, DH_EXECUTE_RUN, !data.read_only, expected, false,
		                                 data.is_whole_plan ? optional_ptr<const WatchedStart>(start) : nullptr);
	}
	CheckColumnTypes(stream->Columns(), data.types);
	if (!stream->IsRunning()) {
		throw InvalidInputException("The columns of the remote result are not those that were expected: the remote catalog "
		                            "changed while the statement was being prepared; run it again");
	}
	return make_uniq<ScanGlobalState>(context, std::move(stream), false);
}

static unique_ptr<LocalTableFunctionState> InitLocal(ExecutionContext &context, TableFunctionInitInput &input,
                                                     GlobalTableFunctionState *global_state) {
	if (input.bind_data->Cast<QueryBindData>().is_analyzed) {
		return make_uniq<ArrowScanLocalState>(make_uniq<ArrowArrayWrapper>(), context.client);
	}
	return ScanInitLocal(context, input, global_state);
}

static void Scan(ClientContext &context, TableFunctionInput &input, DataChunk &output) {
	auto &data = input.bind_data->Cast<QueryBindData>();
	if (!data.is_analyzed) {
		ScanFunction(context, input, output);
		return;
	}
	auto &state = input.global_state->Cast<AnalyzedState>();
	if (!state.is_done) {
		state.is_done = true;
		state.profile = AnalyzeOnServer(context, data.catalog, data.sent, !data.read_only);
		if (state.op) {
			AddToProfile(context, *state.op, state.profile);
		}
	}
}

static void GetMetrics(TableFunctionGetMetricsInput &input) {
	if (!input.bind_data->Cast<QueryBindData>().is_analyzed) {
		ScanGetMetrics(input);
		return;
	}
	auto &profile = input.global_state->Cast<AnalyzedState>().profile;
	input.operator_metrics.elements_returned += profile.Rows();
	input.operator_metrics.AddExtraInfo("Server Time", StringUtil::Format("%.4fs", profile.seconds));
}

void AnalyzeQuery(FunctionData &bind_data) {
	auto &data = bind_data.Cast<QueryBindData>();
	data.is_analyzed = CanBeExplained(data.sent.Sql());
}

static InsertionOrderPreservingMap<string> Describe(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &data = input.bind_data->Cast<QueryBindData>();
	result["Server"] = data.catalog.GetName().GetIdentifierName();
	result["Remote SQL"] = data.sent.Sql();
	return result;
}

//! The server's own description is what was expected.
static bool IsAsExpected(ClientContext &context, const ResultShape &expected, RemoteStream &stream) {
	auto names = expected.names;
	QueryResult::DeduplicateColumns(names);
	if (names != stream.Columns().GetNames() || stream.ReturnType() != StatementReturnType::QUERY_RESULT) {
		return false;
	}
	auto types = stream.Types(context);
	return std::equal(types.begin(), types.end(), expected.types.begin(), expected.types.end(),
	                  [](const LogicalType &type, const string &name) { return type.ToString() == name; });
}

//! Have the server confirm what is expected of a statement. `starts`: run it then.
static bool Confirm(ClientContext &context, PreparedStatementData &prepared, QueryBindData &data, bool starts) {
	auto answered = make_shared_ptr<OpenedStream>();
	if (starts) {
		CheckIsExecutable(context, prepared);
		answered->stream =
		    make_uniq<RemoteStream>(context, data.catalog, data.sent, DH_EXECUTE_RUN, true, &*data.expected);
		data.has_run = answered->stream->IsRunning();
	} else {
		answered->stream = make_uniq<RemoteStream>(context, data.catalog, data.sent, DH_EXECUTE_DESCRIBE, false);
	}
	auto is_confirmed = data.has_run || (!starts && IsAsExpected(context, *data.expected, *answered->stream));
	RemoteTransaction::Get(context, data.catalog).SetAnswered(answered);
	data.opened = std::move(answered);
	data.expected = optional<ResultShape>();
	return is_confirmed;
}

//! `is_root`: all that the plan does is to yield the rows of `op`.
static bool ConfirmAll(ClientContext &context, PreparedStatementData &prepared, const PhysicalOperator &op,
                       Catalog &catalog, bool is_root) {
	if (op.type == PhysicalOperatorType::TABLE_SCAN) {
		auto &scan = op.Cast<PhysicalTableScan>();
		if (scan.function.GetName() == QUERY_FUNCTION_NAME) {
			auto &data = scan.bind_data->Cast<QueryBindData>();
			if (&data.catalog == &catalog && data.expected) {
				return Confirm(context, prepared, data, is_root);
			}
		}
	}
	auto passes_on = op.type == PhysicalOperatorType::PROJECTION || op.type == PhysicalOperatorType::EXECUTE;
	bool all = true;
	for (auto &child : op.GetChildren()) {
		all = ConfirmAll(context, prepared, child.get(), catalog, is_root && passes_on) && all;
	}
	return all;
}

bool ConfirmExpected(ClientContext &context, PreparedStatementData &prepared, Catalog &catalog) {
	return ConfirmAll(context, prepared, prepared.physical_plan->Root(), catalog, true);
}

TableFunction QueryFunction() {
	TableFunction function(QUERY_FUNCTION_NAME, {LogicalType::VARCHAR, LogicalType::VARCHAR}, Scan, Bind, InitGlobal,
	                       InitLocal);
	function.GetSignature().AddArgs("parameters", LogicalType::ANY);
	function.bind_operator = BindStatementWithInputs;
	function.get_partition_data = ScanGetPartitionData;
	function.table_scan_progress = ScanProgress;
	function.to_string = Describe;
	function.get_metrics = GetMetrics;
	function.projection_pushdown = true;
	function.parallelism = TableFunctionParallelism::SEQUENTIAL;
	RefuseCopies(function);
	return function;
}

unique_ptr<TableRef> QueryFunctionCall(Catalog &catalog, shared_ptr<PushedStatement> pushed) {
	vector<unique_ptr<ParsedExpression>> arguments;
	arguments.push_back(ConstantExpression::FromValue(Value(catalog.GetName().GetIdentifierName())));
	arguments.push_back(ConstantExpression::FromValue(Value(pushed->sent.Sql())));
	for (auto &name : pushed->parameters) {
		auto parameter = make_uniq<ParameterExpression>();
		parameter->IdentifierMutable() = name;
		arguments.push_back(std::move(parameter));
	}
	auto call = make_uniq<TableFunctionRef>();
	call->function = make_uniq<FunctionExpression>(QUERY_FUNCTION_NAME, std::move(arguments));
	call->bind_info = std::move(pushed);
	return std::move(call);
}

} // namespace duckherder
