// An Arrow stream from outside as the rows of a statement.

#include "engine_internal.hpp"

#include "duckdb/common/arrow/arrow_wrapper.hpp"
#include "duckdb/function/table/arrow.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/query_node/insert_query_node.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/insert_statement.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Hands out one stream, once.
struct OneStream : public ArrowScanFactory {
	explicit OneStream(ArrowArrayStream *input) : stream(make_uniq<ArrowArrayStreamWrapper>()) {
		stream->arrow_array_stream = *input;
		input->release = nullptr;
	}

	void GetSchema(ArrowSchema &schema) override {
		auto &source = stream->arrow_array_stream;
		if (source.get_schema(&source, &schema)) {
			throw InvalidInputException("Ingest stream has no schema: %s", source.get_last_error(&source));
		}
	}

	unique_ptr<ArrowArrayStreamWrapper> ProduceStream(ArrowStreamParameters &parameters) override {
		if (!stream) {
			throw InternalException("Ingest stream was read twice");
		}
		return std::move(stream);
	}

	unique_ptr<ArrowArrayStreamWrapper> stream;
};

} // namespace

static QueryNode &SourceOf(SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::SELECT_STATEMENT:
		return *statement.Cast<SelectStatement>().node;
	case StatementType::INSERT_STATEMENT:
		return *statement.Cast<InsertStatement>().node->select_statement->node;
	case StatementType::CREATE_STATEMENT:
		return *statement.Cast<CreateStatement>().info->Cast<CreateTableInfo>().query->node;
	default:
		throw InternalException("Only SELECT, INSERT and CREATE TABLE AS take an Arrow stream");
	}
}

void BindStream(TableFunctionRef &ref, ArrowArrayStream *input) {
	ref.bind_info = make_shared_ptr<OneStream>(input);
}

void BindInput(SQLStatement &statement, ArrowArrayStream *input) {
	auto &select = SourceOf(statement).Cast<SelectNode>();
	BindStream(select.from_table->Cast<TableFunctionRef>(), input);
}

} // namespace duckling
