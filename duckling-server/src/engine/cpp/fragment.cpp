// A fragment of a distributed query: a SELECT over rows that other fragments have made, or a COPY of it.

#include "engine_internal.hpp"
#include "table_readers.hpp"

#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/statement/copy_statement.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;
using duckling::ToString;

//! Give an input, which can be read only once, to the CTE of its name.
static void BindFragmentInput(SelectNode &node, const dh_engine_input &input) {
	Identifier name(ToString(input.name));
	auto entry = node.cte_map.map.find(name);
	if (entry == node.cte_map.map.end()) {
		throw InternalException("The fragment has no input %s", ToString(input.name));
	}
	auto &cte = *entry->second;
	duckling::BindStream(cte.query_node->Cast<SelectNode>().from_table->Cast<TableFunctionRef>(), input.stream);
	auto readers = duckling::CountReaders(name, *node.from_table->Cast<SubqueryRef>().subquery->node);
	cte.materialized = readers > 1 ? CTEMaterialize::CTE_MATERIALIZE_ALWAYS : CTEMaterialize::CTE_MATERIALIZE_NEVER;
}

//! The SELECT of a fragment, or that whose rows it writes.
static SelectNode &SelectOf(SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::SELECT_STATEMENT:
		return statement.Cast<SelectStatement>().node->Cast<SelectNode>();
	case StatementType::COPY_STATEMENT:
		return statement.Cast<CopyStatement>().info->select_statement->Cast<SelectNode>();
	default:
		throw InternalException("A fragment is a SELECT, or a COPY of one");
	}
}

dh_engine_error *dh_engine_connection_submit_fragment(dh_engine_connection *handle, dh_engine_str sql,
                                                      const dh_engine_input *inputs, size_t input_count,
                                                      dh_engine_stream **out) noexcept {
	return Guard([&]() {
		auto &connection = *handle->connection;
		duckling::MeteredCall metered(connection.context);
		auto statement = duckling::ParseOne(connection, ToString(sql));
		auto written_type = statement->type;
		auto &node = SelectOf(*statement);
		for (size_t i = 0; i < input_count; i++) {
			BindFragmentInput(node, inputs[i]);
		}
		auto result = connection.Submit(std::move(statement), make_shared_ptr<BoundedArrowFormat>());
		*out = new dh_engine_stream(*handle, written_type, std::move(result));
	});
}
