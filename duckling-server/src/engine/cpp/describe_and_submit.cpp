// Describe a statement and start it if it is what its client may have started, binding it once.

#include "engine_internal.hpp"

#include "duckdb/execution/operator/scan/physical_empty_result.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "duckdb/main/prepared_statement.hpp"
#include "duckdb/main/prepared_statement_data.hpp"

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;
using duckling::ToString;

namespace {

//! Sees a statement between its planning and its start, because starting it may already change something: DuckDB's threads
//! do not wait for a reader. What may not pass has its plan replaced by one that yields no rows.
class PlanGate : public ClientContextState {
public:
	using Condition = std::function<bool(const PreparedStatementData &prepared, const dh_engine_description &description)>;

	PlanGate(Condition may_pass_p, ArrowSchema *out_schema_p, dh_engine_description *out_p)
	    : may_pass(std::move(may_pass_p)), out_schema(out_schema_p), out(out_p) {
	}

	bool passed = false;

	//! DuckDB asks `OnFinalizePrepare` only of states that say so
	bool CanRequestRebind() override {
		return true;
	}

	RebindQueryInfo OnFinalizePrepare(ClientContext &context, PreparedStatementData &prepared,
	                                  PreparedStatementMode) override {
		duckling::FillDescription(context, prepared.statement_type, prepared.properties, prepared.types, prepared.names,
		                          out_schema, out);
		passed = may_pass(prepared, *out);
		if (!passed && prepared.physical_plan) {
			auto plan = make_uniq<PhysicalPlan>(Allocator::Get(context));
			plan->SetRoot(plan->Make<PhysicalEmptyResult>(prepared.types, 0));
			prepared.physical_plan = std::move(plan);
			prepared.properties.modified_databases.clear();
		}
		return RebindQueryInfo::DO_NOT_REBIND;
	}

private:
	Condition may_pass;
	ArrowSchema *out_schema;
	dh_engine_description *out;
};

//! Registers a gate for as long as it lives.
class GateRegistration {
public:
	GateRegistration(ClientContext &context_p, shared_ptr<PlanGate> gate) : context(context_p) {
		context.registered_state->Insert(KEY, std::move(gate));
	}
	~GateRegistration() {
		context.registered_state->Remove(KEY);
	}

private:
	static constexpr const char *KEY = "duckling_plan_gate";
	ClientContext &context;
};

//! A SELECT that changes nothing.
bool OnlyReads(const PreparedStatementData &, const dh_engine_description &description) {
	return description.read_only && description.return_kind == DH_RETURN_ROWS;
}

bool Returns(const PreparedStatementData &prepared, const dh_engine_description &description,
             const dh_engine_option *columns, size_t column_count) {
	if (description.return_kind != DH_RETURN_ROWS || description.column_count != column_count) {
		return false;
	}
	for (size_t i = 0; i < column_count; i++) {
		if (prepared.names[i].GetIdentifierName() != ToString(columns[i].name) ||
		    description.column_types[i] != ToString(columns[i].value)) {
			return false;
		}
	}
	return true;
}

//! The stream, or null if the statement did not pass.
dh_engine_stream *SubmitThroughGate(dh_engine_connection &handle, unique_ptr<SQLStatement> statement,
                                    PlanGate::Condition may_pass, ArrowSchema *out_schema, dh_engine_description *out) {
	auto &connection = *handle.connection;
	auto written_type = statement->type;
	auto gate = make_shared_ptr<PlanGate>(std::move(may_pass), out_schema, out);
	unique_ptr<QueryResult> result;
	{
		GateRegistration registration(*connection.context, gate);
		result = connection.Submit(std::move(statement), make_shared_ptr<BoundedArrowFormat>());
	}
	auto stream = make_uniq<dh_engine_stream>(handle, written_type, std::move(result));
	return gate->passed ? stream.release() : nullptr;
}

} // namespace

dh_engine_error *dh_engine_connection_describe_and_submit(dh_engine_connection *handle, dh_engine_str sql,
                                                          ArrowSchema *out_schema, dh_engine_description *out,
                                                          dh_engine_stream **out_stream) noexcept {
	return Guard([&]() {
		*out_stream = nullptr;
		auto &connection = *handle->connection;
		duckling::MeteredCall metered(connection.context);
		auto statement = duckling::ParseOne(connection, ToString(sql));
		if (statement->type != StatementType::SELECT_STATEMENT) {
			auto prepared = duckling::Prepare(connection, std::move(statement));
			duckling::Describe(connection, *prepared, out_schema, out);
			return;
		}
		*out_stream = SubmitThroughGate(*handle, std::move(statement), OnlyReads, out_schema, out);
	});
}

dh_engine_error *dh_engine_connection_submit_expecting(dh_engine_connection *handle, dh_engine_str sql,
                                                       const dh_engine_option *columns, size_t column_count,
                                                       ArrowSchema *out_schema, dh_engine_description *out,
                                                       dh_engine_stream **out_stream) noexcept {
	return Guard([&]() {
		*out_stream = nullptr;
		auto &connection = *handle->connection;
		duckling::MeteredCall metered(connection.context);
		auto may_pass = [&](const PreparedStatementData &prepared, const dh_engine_description &description) {
			return Returns(prepared, description, columns, column_count);
		};
		*out_stream = SubmitThroughGate(*handle, duckling::ParseOne(connection, ToString(sql)), may_pass, out_schema, out);
	});
}
