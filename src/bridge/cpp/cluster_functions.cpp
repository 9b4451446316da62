// The functions that say which servers work together, and how many do.

#include "cluster_functions.hpp"

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/execution/expression_executor_state.hpp"

using namespace duckdb;

namespace duckherder {

static string Required(const Value &value, const char *what) {
	if (value.IsNull()) {
		throw InvalidInputException("The %s of a server is missing: it is NULL", what);
	}
	return StringValue::Get(value);
}

using registration_t = decltype(dh_callbacks::session_register_worker);

static void Register(DataChunk &arguments, ClientContext &context, Vector &result, registration_t registration) {
	Interrupt interrupt(context);
	for (idx_t row = 0; row < arguments.size(); row++) {
		auto id = Required(arguments.GetValue(0, row), "id");
		auto location = Required(arguments.GetValue(1, row), "location");
		auto session = RemoteCatalog::FindOrOnly(context, arguments.GetValue(2, row)).SessionOf(context);
		Check(registration(&session->Get(context), ToStr(id), ToStr(location), &interrupt));
		result.SetValue(row, Value::BOOLEAN(true));
	}
}

static void ExecuteRegisterWorker(DataChunk &arguments, ExpressionState &state, Vector &result) {
	Register(arguments, state.GetContext(), result, Rust().session_register_worker);
}

static void ExecuteRegisterDriver(DataChunk &arguments, ExpressionState &state, Vector &result) {
	Register(arguments, state.GetContext(), result, Rust().session_register_driver);
}

static void ExecuteUnregisterWorker(DataChunk &arguments, ExpressionState &state, Vector &result) {
	auto &context = state.GetContext();
	Interrupt interrupt(context);
	for (idx_t row = 0; row < arguments.size(); row++) {
		auto id = Required(arguments.GetValue(0, row), "id");
		auto session = RemoteCatalog::FindOrOnly(context, arguments.GetValue(1, row)).SessionOf(context);
		Check(Rust().session_unregister_worker(&session->Get(context), ToStr(id), &interrupt));
		result.SetValue(row, Value::BOOLEAN(true));
	}
}

static void ExecuteWorkerCount(DataChunk &arguments, ExpressionState &state, Vector &result) {
	auto &context = state.GetContext();
	Interrupt interrupt(context);
	for (idx_t row = 0; row < arguments.size(); row++) {
		auto session = RemoteCatalog::FindOrOnly(context, arguments.GetValue(0, row)).SessionOf(context);
		dh_workers *workers = nullptr;
		Check(Rust().session_workers(&session->Get(context), &interrupt, &workers));
		int64_t active = 0;
		for (idx_t i = 0; i < workers->worker_count; i++) {
			active += workers->workers[i].is_active ? 1 : 0;
		}
		Rust().workers_free(workers);
		result.SetValue(row, Value::BIGINT(active));
	}
}

static ScalarFunction MakeFunction(const char *name, FunctionSignature signature, const LogicalType &return_type,
                                   scalar_function_t execute) {
	signature.SetReturnType(return_type);
	ScalarFunction function(name, std::move(signature), std::move(execute));
	function.SetStability(FunctionStability::VOLATILE);
	// DuckDB takes an error of a function that does not say so for a bug of its own, and stops working
	function.SetFallible();
	function.SetNullHandling(FunctionNullHandling::SPECIAL_HANDLING);
	return function;
}

static FunctionSignature IdAndLocation() {
	FunctionSignature signature;
	signature.AddParameter("id", LogicalType::VARCHAR)
	    .AddParameter("location", LogicalType::VARCHAR)
	    .AddKeywordOnly("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return signature;
}

ScalarFunction RegisterWorker() {
	return MakeFunction("duckherder_register_worker", IdAndLocation(), LogicalType::BOOLEAN, ExecuteRegisterWorker);
}

ScalarFunction UnregisterWorker() {
	FunctionSignature signature;
	signature.AddParameter("id", LogicalType::VARCHAR)
	    .AddKeywordOnly("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return MakeFunction("duckherder_unregister_worker", std::move(signature), LogicalType::BOOLEAN,
	                    ExecuteUnregisterWorker);
}

ScalarFunction RegisterOrReplaceDriver() {
	return MakeFunction("duckherder_register_or_replace_driver", IdAndLocation(), LogicalType::BOOLEAN,
	                    ExecuteRegisterDriver);
}

ScalarFunction GetWorkerCount() {
	FunctionSignature signature;
	signature.AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return MakeFunction("duckherder_get_worker_count", std::move(signature), LogicalType::BIGINT, ExecuteWorkerCount);
}

} // namespace duckherder
