// The table function duckherder_query(catalog, sql).

#include "query_function.hpp"

#include "catalog.hpp"
#include "pushed_statement.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"
#include "statement_state.hpp"
#include "statement_with_inputs.hpp"
#include "transaction.hpp"

#include "duckdb/common/enums/database_modification_type.hpp"
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

	SentStatement sent;
	vector<LogicalType> types;
	bool read_only = false;
	//! Set if the statement was started when it was bound
	shared_ptr<OpenedStream> opened;
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

//! Ask the server what the statement is. A query that will be executed is started with the same call.
static vector<string> BindOnServer(ClientContext &context, TableFunctionBindInput &input, QueryBindData &data,
                                   bool is_query) {
	auto &transaction = RemoteTransaction::Get(context, data.catalog);
	auto starts = transaction.BindsFirstSource() && is_query && Settings::Get<EnableOptimizerSetting>(context) &&
	              StatementState::Of(context).IsBoundToExecute(input.binder);
	auto mode = starts ? DH_EXECUTE_DESCRIBE_AND_RUN : DH_EXECUTE_DESCRIBE;
	auto stream = make_uniq<RemoteStream>(context, data.catalog, data.sent, mode, false);
	data.types = stream->Types(context);
	CheckColumnTypes(stream->Columns(), data.types);
	data.read_only = stream->IsReadOnly();
	input.table_function.call_return_type = stream->ReturnType();
	auto names = stream->Columns().GetNames();
	if (stream->IsRunning()) {
		data.opened = make_shared_ptr<OpenedStream>();
		data.opened->stream = std::move(stream);
		transaction.SetOpened(data.opened);
	}
	return names;
}

static unique_ptr<FunctionData> Bind(ClientContext &context, TableFunctionBindInput &input,
                                     vector<LogicalType> &return_types, vector<Identifier> &names) {
	if (input.inputs[0].IsNull() || input.inputs[1].IsNull()) {
		throw BinderException("%s: neither the catalog nor the statement may be NULL", QUERY_FUNCTION_NAME);
	}
	auto pushed = PushedBy(input);
	auto data = make_uniq<QueryBindData>(RemoteCatalog::Find(context, StringValue::Get(input.inputs[0])),
	                                     ToSend(input, pushed));
	auto kind = pushed ? pushed->kind : KindOf(data->sent.Sql());
	auto shape = ShapeOf(kind);
	// Where nothing is going to be executed, asking is the only way to find an error
	if (shape && StatementState::Of(context).IsBoundToExecute(input.binder)) {
		data->types = {shape->type};
		input.table_function.call_return_type = shape->return_type;
		names = {Identifier(shape->name)};
	} else {
		names = StringsToIdentifiers(BindOnServer(context, input, *data, kind == StatementKind::QUERY));
	}
	RegisterUse(context, input, data->catalog, data->read_only);
	return_types = data->types;
	return std::move(data);
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &data = input.bind_data->Cast<QueryBindData>();
	if (data.opened && data.opened->stream) {
		return make_uniq<ScanGlobalState>(context, std::move(data.opened->stream), false);
	}
	auto open = [&data](ClientContext &client, shared_ptr<RemoteProgress> shown) {
		auto stream =
		    make_uniq<RemoteStream>(client, data.catalog, data.sent, DH_EXECUTE_RUN, !data.read_only, std::move(shown));
		CheckColumnTypes(stream->Columns(), data.types);
		return stream;
	};
	if (data.read_only) {
		return make_uniq<ScanGlobalState>(context, open(context, nullptr), false);
	}
	return make_uniq<ScanGlobalState>(context, open);
}

static InsertionOrderPreservingMap<string> Describe(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &data = input.bind_data->Cast<QueryBindData>();
	result["Server"] = data.catalog.GetName().GetIdentifierName();
	result["Remote SQL"] = data.sent.Sql();
	return result;
}

TableFunction QueryFunction() {
	TableFunction function(QUERY_FUNCTION_NAME, {LogicalType::VARCHAR, LogicalType::VARCHAR}, ScanFunction, Bind,
	                       InitGlobal, ScanInitLocal);
	function.GetSignature().AddArgs("parameters", LogicalType::ANY);
	function.bind_operator = BindStatementWithInputs;
	function.get_partition_data = ScanGetPartitionData;
	function.table_scan_progress = ScanProgress;
	function.to_string = Describe;
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
