// The function duckherder_load_extension(name [, repository [, version]] [, catalog := …]).

#include "load_extension.hpp"

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/execution/expression_executor_state.hpp"

using namespace duckdb;

namespace duckherder {

static string TextOrEmpty(const Value &value) {
	return value.IsNull() ? string() : StringValue::Get(value);
}

static string Load(ClientContext &context, const Value &name_value, const Value &repository_value,
                   const Value &version_value, const Value &catalog_name) {
	if (name_value.IsNull() || StringValue::Get(name_value).empty()) {
		throw InvalidInputException("duckherder_load_extension: the name of an extension is missing");
	}
	auto &catalog = RemoteCatalog::FindOrOnly(context, catalog_name);
	auto name = StringValue::Get(name_value);
	auto repository = TextOrEmpty(repository_value);
	auto version = TextOrEmpty(version_value);
	Interrupt interrupt(context);
	dh_text *loaded = nullptr;
	auto session = catalog.SessionOf(context);
	Check(Rust().session_load_extension(&catalog.Remote(), &session->Get(context), ToStr(name), ToStr(repository),
	                                    ToStr(version), &interrupt, &loaded));
	auto result = ToString(loaded->text);
	Rust().text_free(loaded);
	return result;
}

static void Execute(DataChunk &arguments, ExpressionState &state, Vector &result) {
	auto &context = state.GetContext();
	for (idx_t row = 0; row < arguments.size(); row++) {
		auto loaded = Load(context, arguments.GetValue(0, row), arguments.GetValue(1, row), arguments.GetValue(2, row),
		                   arguments.GetValue(3, row));
		result.SetValue(row, Value(loaded));
	}
}

ScalarFunction LoadExtension() {
	FunctionSignature signature;
	Value absent(LogicalType::VARCHAR);
	signature.AddParameter("name", LogicalType::VARCHAR)
	    .AddParameter("repository", LogicalType::VARCHAR, absent)
	    .AddParameter("version", LogicalType::VARCHAR, absent)
	    .AddKeywordOnly("catalog", LogicalType::VARCHAR, absent);
	signature.SetReturnType(LogicalType::VARCHAR);
	ScalarFunction function("duckherder_load_extension", std::move(signature), Execute);
	function.SetStability(FunctionStability::VOLATILE);
	// DuckDB takes an error of a function that does not say so for a bug of its own, and stops working
	function.SetFallible();
	function.SetNullHandling(FunctionNullHandling::SPECIAL_HANDLING);
	return function;
}

} // namespace duckherder
