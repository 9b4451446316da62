// Connections and the start of their statements.

#include "engine_internal.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/main/client_context.hpp"

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;
using duckling::ToString;

dh_engine_error *dh_engine_connection_open(dh_engine_database *database, dh_engine_connection **out) noexcept {
	return Guard([&]() {
		if (!database->database) {
			throw ConnectionException("The server is shutting down");
		}
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
	}
	connection->connection->Interrupt();
}

void dh_engine_connection_track_progress(dh_engine_connection *connection, bool wanted) noexcept {
	auto &config = connection->connection->context->config;
	config.enable_progress_bar = wanted;
	// Nobody looks at the server's terminal
	config.print_progress_bar = false;
}

//! What other ducklings have done is not all of a statement.
static constexpr double MAX_UNFINISHED = 99;

double dh_engine_connection_progress(const dh_engine_connection *connection) noexcept {
	auto &context = *connection->connection->context;
	auto percent = connection->connection->GetQueryProgress();
	// DuckDB does not look while its thread waits for other ducklings
	return MaxValue(percent, duckling::Meter::Of(context)->exchange_progress * MAX_UNFINISHED);
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

} // namespace duckling

dh_engine_error *dh_engine_connection_submit(dh_engine_connection *handle, dh_engine_str sql, ArrowArrayStream *input,
                                             dh_engine_stream **out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		duckling::MeteredCall metered(connection.context);
		auto statement = duckling::ParseOne(connection, ToString(sql));
		if (input) {
			duckling::BindInput(*statement, input);
		}
		auto written_type = statement->type;
		auto result = connection.Submit(std::move(statement), make_shared_ptr<BoundedArrowFormat>());
		*out = new dh_engine_stream(*handle, written_type, std::move(result));
	});
}
