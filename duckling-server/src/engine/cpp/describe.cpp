// What a statement returns, found by binding it.

#include "engine_internal.hpp"
#include "keeps_types.hpp"

#include "duckdb/main/client_context.hpp"
#include "duckdb/main/prepared_statement.hpp"

#include <cstdlib>
#include <cstring>

using namespace duckdb;
using duckling::Guard;
using duckling::ToString;

namespace duckling {

int32_t ReturnKind(StatementReturnType type) {
	switch (type) {
	case StatementReturnType::CHANGED_ROWS:
		return DH_RETURN_CHANGED_ROWS;
	case StatementReturnType::NOTHING:
		return DH_RETURN_NOTHING;
	default:
		return DH_RETURN_ROWS;
	}
}

void FillDescription(ClientContext &context, StatementType statement_type, const StatementProperties &properties,
                     const vector<LogicalType> &types, const vector<Identifier> &names, ArrowSchema *out_schema,
                     dh_engine_description *out) {
	out->return_kind = ReturnKind(properties.return_type);
	out->read_only = properties.IsReadOnly() && statement_type == StatementType::SELECT_STATEMENT;
	ResultSchema(out_schema, types, names, context.GetClientProperties());
	out->column_count = 0;
	out->column_types = static_cast<char **>(std::calloc(types.size() + 1, sizeof(char *)));
	for (auto &type : types) {
		out->column_types[out->column_count++] = strdup(type.ToString().c_str());
	}
}

unique_ptr<PreparedStatement> Prepare(Connection &connection, unique_ptr<SQLStatement> statement) {
	auto prepared = connection.Prepare(std::move(statement));
	if (prepared->HasError()) {
		prepared->GetErrorObject().Throw();
	}
	return prepared;
}

void Describe(Connection &connection, PreparedStatement &prepared, ArrowSchema *out_schema, dh_engine_description *out) {
	if (!prepared.MetadataAvailable()) {
		// A statement that expands into several; what it returns is known only once it runs
		out->return_kind = DH_RETURN_NOTHING;
		out->read_only = false;
		out->column_count = 0;
		out->column_types = nullptr;
		ResultSchema(out_schema, {LogicalType::BOOLEAN}, {"Success"}, connection.context->GetClientProperties());
		return;
	}
	FillDescription(*connection.context, prepared.GetStatementType(), prepared.GetStatementProperties(),
	                prepared.GetTypes(), prepared.GetNames(), out_schema, out);
}

} // namespace duckling

void dh_engine_description_free(dh_engine_description *description) noexcept {
	for (size_t i = 0; i < description->column_count; i++) {
		std::free(description->column_types[i]);
	}
	std::free(description->column_types);
	description->column_types = nullptr;
	description->column_count = 0;
}

dh_engine_error *dh_engine_connection_describe(dh_engine_connection *handle, dh_engine_str sql, ArrowSchema *out_schema,
                                               dh_engine_description *out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		auto prepared = duckling::Prepare(connection, duckling::ParseOne(connection, ToString(sql)));
		duckling::Describe(connection, *prepared, out_schema, out);
	});
}
