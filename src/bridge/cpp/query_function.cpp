// The table function duckherder_query(catalog, sql).

#include "query_function.hpp"

#include "catalog.hpp"
#include "mirrored_settings.hpp"
#include "parameters.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"
#include "transaction.hpp"

#include "duckdb/common/enums/database_modification_type.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/parameter_expression.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"
#include "duckdb/planner/binder.hpp"

using namespace duckdb;

namespace duckherder {

static constexpr const char *NAME = "duckherder_query";

namespace {

struct QueryBindData : public TableFunctionData {
	QueryBindData(RemoteCatalog &catalog_p, string sql_p) : catalog(catalog_p), sql(std::move(sql_p)) {
	}

	RemoteCatalog &catalog;
	string sql;
	vector<LogicalType> types;
	bool read_only = false;
};

//! What the server said of a statement; frees it.
struct Description {
	~Description() {
		if (raw) {
			Rust().description_free(raw);
		}
	}

	dh_description *raw = nullptr;
	ArrowSchemaWrapper schema;
};

} // namespace

//! The server's types by name where it tells them: more exact than what Arrow can say.
static vector<LogicalType> PromisedTypes(ClientContext &context, const dh_description &description,
                                         ArrowTableSchema &columns) {
	if (description.column_type_count != columns.GetTypes().size()) {
		return columns.GetTypes();
	}
	vector<LogicalType> types;
	for (idx_t i = 0; i < description.column_type_count; i++) {
		types.push_back(ParseType(context, description.column_types[i]));
	}
	return types;
}

static StatementReturnType ReturnType(int32_t kind) {
	switch (kind) {
	case DH_RETURN_CHANGED_ROWS:
		return StatementReturnType::CHANGED_ROWS;
	case DH_RETURN_NOTHING:
		return StatementReturnType::NOTHING;
	default:
		return StatementReturnType::QUERY_RESULT;
	}
}

//! The SQL to run: the second argument, with the others in the places of its parameters.
static string StatementText(ClientContext &context, TableFunctionBindInput &input) {
	if (!input.ref.bind_info) {
		if (input.inputs.size() > 2) {
			throw BinderException("%s(catalog, sql) takes two arguments", NAME);
		}
		return StringValue::Get(input.inputs[1]);
	}
	vector<Value> values(input.inputs.begin() + 2, input.inputs.end());
	ParameterCount::Of(context).Set(values.size());
	return input.ref.bind_info->Cast<ParameterizedNode>().ToSql(values);
}

static unique_ptr<FunctionData> Bind(ClientContext &context, TableFunctionBindInput &input,
                                     vector<LogicalType> &return_types, vector<Identifier> &names) {
	if (input.inputs[0].IsNull() || input.inputs[1].IsNull()) {
		throw BinderException("%s: neither the catalog nor the statement may be NULL", NAME);
	}
	auto &catalog = RemoteCatalog::Find(context, StringValue::Get(input.inputs[0]));
	auto data = make_uniq<QueryBindData>(catalog, StatementText(context, input));
	auto &transaction = RemoteTransaction::Get(context, catalog);
	Interrupt interrupt(context);
	MirroredSettings settings(context);
	Description description;
	Check(Rust().session_describe(&transaction.Session(context), ToStr(data->sql), transaction.BeginsOnServer(),
	                              settings.Data(), settings.Count(), &interrupt, &description.schema.arrow_schema, &description.raw));
	ArrowTableSchema columns;
	ArrowTableFunction::PopulateArrowTableSchema(context, columns, description.schema.arrow_schema);
	data->types = PromisedTypes(context, *description.raw, columns);
	CheckColumnTypes(columns, data->types);
	data->read_only = description.raw->read_only;
	input.table_function.call_return_type = ReturnType(description.raw->return_kind);
	if (input.binder) {
		// The remote may change between two executions of a prepared statement, and nobody would tell us
		input.binder->SetAlwaysRequireRebind();
		auto &properties = input.binder->GetStatementProperties();
		if (data->read_only) {
			properties.RegisterDBRead(catalog, context);
		} else {
			properties.RegisterDBModify(catalog, context,
			                            DatabaseModificationType::INSERT_DATA | DatabaseModificationType::DELETE_DATA |
			                                DatabaseModificationType::UPDATE_DATA |
			                                DatabaseModificationType::ALTER_TABLE |
			                                DatabaseModificationType::CREATE_CATALOG_ENTRY |
			                                DatabaseModificationType::DROP_CATALOG_ENTRY);
		}
	}
	return_types = data->types;
	names = StringsToIdentifiers(columns.GetNames());
	return std::move(data);
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &data = input.bind_data->Cast<QueryBindData>();
	auto stream = make_uniq<RemoteStream>(context, data.catalog, data.sql);
	CheckColumnTypes(stream->Columns(), data.types);
	if (!data.read_only) {
		RemoteTransaction::Get(context, data.catalog).InvalidateSnapshot();
	}
	return make_uniq<ScanGlobalState>(context, std::move(stream), false);
}

static InsertionOrderPreservingMap<string> Describe(TableFunctionToStringInput &input) {
	InsertionOrderPreservingMap<string> result;
	auto &data = input.bind_data->Cast<QueryBindData>();
	result["Server"] = data.catalog.GetName().GetIdentifierName();
	result["Remote SQL"] = data.sql;
	return result;
}

TableFunction QueryFunction() {
	TableFunction function(NAME, {LogicalType::VARCHAR, LogicalType::VARCHAR}, ScanFunction, Bind, InitGlobal,
	                       ScanInitLocal);
	function.GetSignature().AddArgs("parameters", LogicalType::ANY);
	function.get_partition_data = ScanGetPartitionData;
	function.to_string = Describe;
	function.projection_pushdown = true;
	function.parallelism = TableFunctionParallelism::SEQUENTIAL;
	return function;
}

static unique_ptr<TableFunctionRef> Call(Catalog &catalog, const string &sql, const vector<Identifier> &parameters) {
	vector<unique_ptr<ParsedExpression>> arguments;
	arguments.push_back(ConstantExpression::FromValue(Value(catalog.GetName().GetIdentifierName())));
	arguments.push_back(ConstantExpression::FromValue(Value(sql)));
	for (auto &name : parameters) {
		auto parameter = make_uniq<ParameterExpression>();
		parameter->IdentifierMutable() = name;
		arguments.push_back(std::move(parameter));
	}
	auto call = make_uniq<TableFunctionRef>();
	call->function = make_uniq<FunctionExpression>(NAME, std::move(arguments));
	return call;
}

unique_ptr<TableRef> QueryFunctionCall(Catalog &catalog, const string &sql) {
	return Call(catalog, sql, {});
}

unique_ptr<TableRef> QueryFunctionCall(Catalog &catalog, unique_ptr<QueryNode> node) {
	auto sql = node->ToString();
	auto parameterized = make_shared_ptr<ParameterizedNode>(std::move(node));
	auto call = Call(catalog, sql, parameterized->names);
	if (!parameterized->names.empty()) {
		call->bind_info = std::move(parameterized);
	}
	return std::move(call);
}

} // namespace duckherder
