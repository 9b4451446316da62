// Connections whose results keep every DuckDB type, and those whose results any Arrow client can read.

#include "keeps_types.hpp"

#include "engine_internal.hpp"

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_config.hpp"
#include "duckdb/main/client_context_state.hpp"

using namespace duckdb;
using duckling::Guard;

namespace duckling {

static constexpr const char *KEY = "duckling_keeps_types";

//! Its presence says it all.
class KeepsTypesState : public ClientContextState {};

void KeepTypes(ClientContext &context) {
	context.registered_state->GetOrCreate<KeepsTypesState>(KEY);
}

bool KeepsTypes(ClientContext &context) {
	return context.registered_state->Get<KeepsTypesState>(KEY) != nullptr;
}

ExtensionTypes ResultExtensions(ClientContext &context, const vector<LogicalType> &types) {
	return KeepsTypes(context) ? TravellingExtensions(context, types)
	                           : ArrowTypeExtensionData::GetExtensionTypes(context, types);
}

void ResultSchema(ArrowSchema *out, const vector<LogicalType> &types, const vector<Identifier> &names,
                  ClientProperties properties) {
	if (KeepsTypes(*properties.client_context)) {
		TravellingSchema(out, types, IdentifiersToStrings(names), properties);
	} else {
		ArrowConverter::ToArrowSchema(out, types, IdentifiersToStrings(names), properties);
	}
}

} // namespace duckling

dh_engine_error *dh_engine_connection_keep_types(dh_engine_connection *connection) noexcept {
	return Guard([&]() { duckling::KeepTypes(*connection->connection->context); });
}
