// PRAGMA duckherder_register_remote_table and duckherder_unregister_remote_table.

#include "registered_pragmas.hpp"

#include "catalog.hpp"

using namespace duckdb;

namespace duckherder {

static TableName Name(const FunctionParameters &parameters, idx_t index, const char *role) {
	auto &value = parameters.values[index];
	if (value.IsNull()) {
		throw BinderException("The %s name of a table may not be NULL", role);
	}
	return TableName::Parse(StringValue::Get(value));
}

static void Register(ClientContext &context, const FunctionParameters &parameters) {
	auto &catalog = RemoteCatalog::FindOrOnly(context, parameters.values[2]);
	catalog.Registered().Register(context, Name(parameters, 0, "local"), Name(parameters, 1, "remote"));
}

static void Unregister(ClientContext &context, const FunctionParameters &parameters) {
	auto &catalog = RemoteCatalog::FindOrOnly(context, parameters.values[1]);
	catalog.Registered().Unregister(Name(parameters, 0, "local"));
}

PragmaFunction RegisterRemoteTable() {
	FunctionSignature signature;
	signature.AddParameter("local_name", LogicalType::VARCHAR)
	    .AddParameter("remote_name", LogicalType::VARCHAR)
	    .AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return PragmaFunction::PragmaCall("duckherder_register_remote_table", Register, std::move(signature));
}

PragmaFunction UnregisterRemoteTable() {
	FunctionSignature signature;
	signature.AddParameter("local_name", LogicalType::VARCHAR)
	    .AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return PragmaFunction::PragmaCall("duckherder_unregister_remote_table", Unregister, std::move(signature));
}

} // namespace duckherder
