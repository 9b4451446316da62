// Databases, connections and the start of their statements.

#include "engine_internal.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/prepared_statement.hpp"

#include <cstdlib>
#include <cstring>

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;
using duckling::ToString;

dh_engine_error *dh_engine_database_open(dh_engine_str path, const dh_engine_option *options, size_t option_count,
                                         dh_engine_database **out) noexcept {
	return Guard([&]() {
		DBConfig config;
		for (size_t i = 0; i < option_count; i++) {
			config.SetOptionByName(Identifier(ToString(options[i].name)), Value(ToString(options[i].value)));
		}
		auto file = ToString(path);
		auto database = make_uniq<DuckDB>(file.empty() ? nullptr : file.c_str(), &config);
		*out = new dh_engine_database {std::move(database)};
	});
}

void dh_engine_database_free(dh_engine_database *database) noexcept {
	dh_engine_error_free(Guard([&]() { delete database; }));
}

dh_engine_error *dh_engine_connection_open(dh_engine_database *database, dh_engine_connection **out) noexcept {
	return Guard([&]() {
		auto connection = make_uniq<Connection>(*database->database);
		*out = new dh_engine_connection {database->database->instance, std::move(connection)};
	});
}

void dh_engine_connection_free(dh_engine_connection *connection) noexcept {
	dh_engine_error_free(Guard([&]() { delete connection; }));
}

void dh_engine_connection_interrupt(dh_engine_connection *connection) noexcept {
	connection->connection->Interrupt();
}

void dh_engine_connection_stop(dh_engine_connection *connection) noexcept {
	lock_guard<mutex> guard(connection->stop_signal->lock);
	if (connection->stop_signal->is_reading) {
		connection->stop_signal->is_stopped = true;
	} else {
		connection->connection->Interrupt();
	}
}

bool dh_engine_connection_in_transaction(dh_engine_connection *connection) noexcept {
	return !connection->connection->context->transaction.IsAutoCommit();
}

dh_engine_error *dh_engine_connection_catalog_version(dh_engine_connection *connection, dh_engine_str database,
                                                      uint64_t *out) noexcept {
	return Guard([&]() {
		auto &context = *connection->connection->context;
		context.RunFunctionInTransaction([&]() {
			auto &catalog = Catalog::GetCatalog(context, Identifier(ToString(database)));
			auto version = catalog.GetCatalogVersion(context);
			*out = version.IsValid() ? version.GetIndex() : 0;
		});
	});
}

namespace duckling {

unique_ptr<SQLStatement> ParseOne(Connection &connection, const std::string &sql) {
	auto statements = connection.ExtractStatements(sql);
	if (statements.size() != 1) {
		throw InvalidInputException("Expected one statement, got %llu", (uint64_t)statements.size());
	}
	return std::move(statements[0]);
}

static int32_t ReturnKind(StatementReturnType type) {
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
	auto client_properties = context.GetClientProperties();
	ArrowConverter::ToArrowSchema(out_schema, types, IdentifiersToStrings(names), client_properties);
	out->column_count = 0;
	out->column_types = static_cast<char **>(std::calloc(types.size() + 1, sizeof(char *)));
	for (auto &type : types) {
		out->column_types[out->column_count++] = strdup(type.ToString().c_str());
	}
}

void Describe(Connection &connection, unique_ptr<SQLStatement> statement, ArrowSchema *out_schema,
              dh_engine_description *out) {
	auto prepared = connection.Prepare(std::move(statement));
	if (prepared->HasError()) {
		prepared->GetErrorObject().Throw();
	}
	if (!prepared->MetadataAvailable()) {
		// A statement that expands into several; what it returns is known only once it runs
		out->return_kind = DH_RETURN_NOTHING;
		out->read_only = false;
		out->column_count = 0;
		out->column_types = nullptr;
		auto client_properties = connection.context->GetClientProperties();
		ArrowConverter::ToArrowSchema(out_schema, {LogicalType::BOOLEAN}, {"Success"}, client_properties);
		return;
	}
	FillDescription(*connection.context, prepared->GetStatementType(), prepared->GetStatementProperties(),
	                prepared->GetTypes(), prepared->GetNames(), out_schema, out);
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
		duckling::Describe(connection, duckling::ParseOne(connection, ToString(sql)), out_schema, out);
	});
}

dh_engine_error *dh_engine_connection_submit(dh_engine_connection *handle, dh_engine_str sql, ArrowArrayStream *input,
                                             dh_engine_stream **out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		auto statement = duckling::ParseOne(connection, ToString(sql));
		if (input) {
			duckling::BindInput(*statement, input);
		}
		auto written_type = statement->type;
		auto result = connection.Submit(std::move(statement), make_shared_ptr<BoundedArrowFormat>());
		*out = new dh_engine_stream(*handle, written_type, std::move(result));
	});
}
