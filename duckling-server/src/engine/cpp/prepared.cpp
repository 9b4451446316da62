// Statements that are bound first and run later: their shape, their parameters.

#include "engine_internal.hpp"

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/prepared_statement.hpp"

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;
using duckling::ToString;

struct dh_engine_prepared {
	unique_ptr<PreparedStatement> statement;
	//! Identifiers of the parameters, in the order of their numbers
	vector<Identifier> parameters;
};

struct dh_engine_parameters {
	vector<vector<Value>> rows;
};

namespace duckling {

//! One column per parameter. A parameter whose type nothing tells is of type NULL.
static void DescribeParameters(Connection &connection, dh_engine_prepared &prepared, ArrowSchema *out) {
	vector<LogicalType> types;
	vector<string> names;
	for (auto &parameter : prepared.parameters) {
		LogicalType type;
		if (!prepared.statement->TryGetParameterType(parameter, type) || type.id() == LogicalTypeId::UNKNOWN ||
		    type.id() == LogicalTypeId::ANY || type.id() == LogicalTypeId::INVALID) {
			type = LogicalType::SQLNULL;
		}
		types.push_back(std::move(type));
		names.push_back(parameter.GetIdentifierName());
	}
	auto properties = connection.context->GetClientProperties();
	ArrowConverter::ToArrowSchema(out, types, names, properties);
}

} // namespace duckling

dh_engine_error *dh_engine_prepare(dh_engine_connection *handle, dh_engine_str sql, ArrowSchema *out_schema,
                                   dh_engine_description *out_description, ArrowSchema *out_parameters,
                                   dh_engine_prepared **out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		auto prepared = make_uniq<dh_engine_prepared>();
		prepared->statement = duckling::Prepare(connection, duckling::ParseOne(connection, ToString(sql)));
		auto &numbers = prepared->statement->GetNamedParameterMap();
		prepared->parameters.resize(numbers.size());
		for (auto &entry : numbers) {
			prepared->parameters[entry.second - 1] = entry.first;
		}
		duckling::DescribeParameters(connection, *prepared, out_parameters);
		duckling::Describe(connection, *prepared->statement, out_schema, out_description);
		*out = prepared.release();
	});
}

void dh_engine_prepared_free(dh_engine_prepared *prepared) noexcept {
	dh_engine_error_free(Guard([&]() { delete prepared; }));
}

dh_engine_error *dh_engine_parameters_read(dh_engine_connection *handle, ArrowArrayStream *input,
                                           dh_engine_parameters **out, size_t *out_rows) noexcept {
	return Guard([&]() {
		// On a connection of its own: the values depend on nothing of the session, whose transaction may be anything
		Connection connection(*handle->database);
		auto statement = duckling::ParseOne(connection, "SELECT * FROM arrow_scan()");
		duckling::BindInput(*statement, input);
		auto result = connection.Query(std::move(statement));
		if (result->HasError()) {
			result->GetErrorObject().Throw();
		}
		auto parameters = make_uniq<dh_engine_parameters>();
		for (auto chunk = result->Fetch(); chunk && chunk->size() > 0; chunk = result->Fetch()) {
			for (idx_t row = 0; row < chunk->size(); row++) {
				vector<Value> values;
				for (idx_t column = 0; column < chunk->ColumnCount(); column++) {
					values.push_back(chunk->GetValue(column, row));
				}
				parameters->rows.push_back(std::move(values));
			}
		}
		*out_rows = parameters->rows.size();
		*out = parameters.release();
	});
}

void dh_engine_parameters_free(dh_engine_parameters *parameters) noexcept {
	dh_engine_error_free(Guard([&]() { delete parameters; }));
}

dh_engine_error *dh_engine_prepared_submit(dh_engine_connection *handle, dh_engine_prepared *prepared,
                                           const dh_engine_parameters *parameters, size_t row,
                                           dh_engine_stream **out) noexcept {
	return Guard([&]() {
		duckling::MeteredCall metered(handle->connection->context);
		auto &statement = *prepared->statement;
		identifier_map_t<BoundParameterData> values;
		auto given = parameters ? parameters->rows[row].size() : 0;
		if (given != prepared->parameters.size()) {
			throw InvalidInputException("The statement has %llu parameters, and %llu were bound",
			                            (uint64_t)prepared->parameters.size(), (uint64_t)given);
		}
		for (idx_t i = 0; i < given; i++) {
			values[prepared->parameters[i]] = BoundParameterData(parameters->rows[row][i]);
		}
		auto result = statement.Submit(values, QueryParameters(make_shared_ptr<BoundedArrowFormat>()));
		*out = new dh_engine_stream(*handle, statement.GetStatementType(), std::move(result));
	});
}
