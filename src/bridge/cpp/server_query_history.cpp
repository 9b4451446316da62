// The table function duckherder_server_query_history([catalog]).

#include "server_query_history.hpp"

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/common/types/interval.hpp"
#include "duckdb/common/types/timestamp.hpp"
#include "duckdb/planner/binder.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct HistoryBindData : public TableFunctionData {
	explicit HistoryBindData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
	}

	RemoteCatalog &catalog;
};

struct HistoryState : public GlobalTableFunctionState {
	~HistoryState() override {
		if (history) {
			Rust().query_history_free(history);
		}
	}

	dh_query_history *history = nullptr;
	idx_t next = 0;
};

struct Column {
	const char *name;
	LogicalType type;
	Value (*value)(const dh_query_record &record);
};

} // namespace

static Value Count(uint64_t number) {
	return Value::BIGINT(NumericCast<int64_t>(MinValue<uint64_t>(number, NumericLimits<int64_t>::Maximum())));
}

static Value Time(uint64_t microseconds) {
	return Value::INTERVAL(Interval::FromMicro(NumericCast<int64_t>(microseconds)));
}

static Value TextOrNull(bool is_there, dh_str text) {
	return is_there ? Value(ToString(text)) : Value(LogicalType::VARCHAR);
}

static const vector<Column> &Columns() {
	static const vector<Column> columns {
	    {"query_id", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.query_id); }},
	    {"user_name", LogicalType::VARCHAR,
	     [](const dh_query_record &record) { return TextOrNull(record.has_user_name, record.user_name); }},
	    {"session_id", LogicalType::VARCHAR,
	     [](const dh_query_record &record) { return Value(ToString(record.session_id)); }},
	    {"query", LogicalType::VARCHAR, [](const dh_query_record &record) { return Value(ToString(record.sql)); }},
	    {"start_time", LogicalType::TIMESTAMP_TZ,
	     [](const dh_query_record &record) { return Value::TIMESTAMPTZ(timestamp_tz_t(record.started_us)); }},
	    {"duration", LogicalType::INTERVAL, [](const dh_query_record &record) { return Time(record.duration_us); }},
	    {"rows", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.rows); }},
	    {"bytes_sent", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.sent_bytes); }},
	    {"cpu_time", LogicalType::INTERVAL, [](const dh_query_record &record) { return Time(record.cpu_us); }},
	    {"peak_memory_bytes", LogicalType::BIGINT,
	     [](const dh_query_record &record) { return Count(record.peak_memory_bytes); }},
	    {"spilled_bytes", LogicalType::BIGINT,
	     [](const dh_query_record &record) { return Count(record.spilled_bytes); }},
	    {"status", LogicalType::VARCHAR, [](const dh_query_record &record) { return Value(ToString(record.status)); }},
	    {"error", LogicalType::VARCHAR,
	     [](const dh_query_record &record) { return TextOrNull(record.has_error, record.error); }}};
	return columns;
}

static unique_ptr<FunctionData> Bind(ClientContext &context, TableFunctionBindInput &input,
                                     vector<LogicalType> &return_types, vector<Identifier> &names) {
	auto &catalog = RemoteCatalog::FindOrOnly(context, input.inputs[0]);
	if (input.binder) {
		// The catalog may be detached before a prepared statement is executed
		input.binder->SetAlwaysRequireRebind();
		input.binder->GetStatementProperties().RegisterDBRead(catalog, context);
	}
	for (auto &column : Columns()) {
		names.emplace_back(column.name);
		return_types.push_back(column.type);
	}
	return make_uniq<HistoryBindData>(catalog);
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &catalog = input.bind_data->Cast<HistoryBindData>().catalog;
	auto state = make_uniq<HistoryState>();
	duckherder::Interrupt interrupt(context);
	auto session = catalog.SessionOf(context);
	Check(Rust().session_query_history(&session->Get(context), false, &interrupt, &state->history));
	return std::move(state);
}

static void Scan(ClientContext &context, TableFunctionInput &input, DataChunk &output) {
	auto &state = input.global_state->Cast<HistoryState>();
	auto &columns = Columns();
	auto count = MinValue<idx_t>(state.history->record_count - state.next, STANDARD_VECTOR_SIZE);
	for (idx_t row = 0; row < count; row++) {
		auto &record = state.history->records[state.next++];
		for (idx_t column = 0; column < columns.size(); column++) {
			output.data[column].SetValue(row, columns[column].value(record));
		}
	}
	output.SetChildCardinality(count);
}

TableFunction ServerQueryHistory() {
	TableFunction function("duckherder_server_query_history", {}, Scan, Bind, InitGlobal);
	function.GetSignature().AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return function;
}

} // namespace duckherder
