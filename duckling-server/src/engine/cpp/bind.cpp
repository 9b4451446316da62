// Binding a statement only to learn its shape.

#include "engine_internal.hpp"

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_context.hpp"

#include <cstdlib>
#include <cstring>

using namespace duckdb;
using duckling::Guard;
using duckling::ToString;

dh_engine_error *dh_engine_connection_bind(dh_engine_connection *handle, dh_engine_str sql, ArrowSchema *out_schema,
                                           dh_engine_description *out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		auto statements = connection.ExtractStatements(ToString(sql));
		if (statements.size() != 1) {
			throw InvalidInputException("Expected one statement, got %llu", (uint64_t)statements.size());
		}
		auto signature = connection.context->BindStatement(std::move(statements[0]));
		auto properties = connection.context->GetClientProperties();
		ArrowConverter::ToArrowSchema(out_schema, signature.types, IdentifiersToStrings(signature.names), properties);
		out->return_kind = DH_RETURN_ROWS;
		out->read_only = signature.properties.IsReadOnly();
		out->column_count = 0;
		out->column_types = static_cast<char **>(std::calloc(signature.types.size() + 1, sizeof(char *)));
		for (auto &type : signature.types) {
			out->column_types[out->column_count++] = strdup(type.ToString().c_str());
		}
	});
}
