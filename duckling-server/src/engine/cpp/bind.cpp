// Binding a statement only to learn its shape.

#include "engine_internal.hpp"

#include "duckdb/main/client_context.hpp"

using namespace duckdb;
using duckling::Guard;
using duckling::ToString;

dh_engine_error *dh_engine_connection_bind(dh_engine_connection *handle, dh_engine_str sql, ArrowSchema *out_schema,
                                           dh_engine_description *out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		auto statement = duckling::ParseOne(connection, ToString(sql));
		auto type = statement->type;
		auto signature = connection.context->BindStatement(std::move(statement));
		duckling::FillDescription(*connection.context, type, signature.properties, signature.types, signature.names,
		                          out_schema, out);
	});
}
