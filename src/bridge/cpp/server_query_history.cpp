// The table functions duckherder_server_query_history([catalog]) and duckherder_get_query_execution_stats([catalog]).

#include "server_query_history.hpp"

#include "server_list.hpp"

#include "duckdb/common/types/interval.hpp"
#include "duckdb/common/types/timestamp.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

Value Time(uint64_t microseconds) {
	return Value::INTERVAL(Interval::FromMicro(NumericCast<int64_t>(microseconds)));
}

Value Milliseconds(uint64_t microseconds) {
	return Value::DOUBLE(double(microseconds) / 1000);
}

Value TextOrNull(bool is_there, dh_str text) {
	return is_there ? Value(ToString(text)) : Value(LogicalType::VARCHAR);
}

//! The records of a server.
struct ServerRecords {
	using Record = dh_query_record;
	using Handle = dh_query_history;

	static dh_error *Fetch(dh_session *session, const dh_interrupt *interrupt, Handle **out) {
		return Rust().session_query_history(session, false, interrupt, out);
	}
	static void Free(Handle *list) {
		Rust().query_history_free(list);
	}
	static const Record *Records(const Handle &list) {
		return list.records;
	}
	static idx_t RecordCount(const Handle &list) {
		return list.record_count;
	}
};

struct QueryHistory : public ServerRecords {
	static const vector<ListColumn<Record>> &Columns() {
		static const vector<ListColumn<Record>> columns {
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
};

struct ExecutionStats : public ServerRecords {
	static const vector<ListColumn<Record>> &Columns() {
		static const vector<ListColumn<Record>> columns {
		    {"sql", LogicalType::VARCHAR, [](const dh_query_record &record) { return Value(ToString(record.sql)); }},
		    {"execution_mode", LogicalType::VARCHAR,
		     [](const dh_query_record &record) {
			     return Value(record.is_distributed ? ToString(record.mode) : string("LOCAL"));
		     }},
		    {"merge_strategy", LogicalType::VARCHAR,
		     [](const dh_query_record &record) { return TextOrNull(record.is_distributed, record.merge); }},
		    {"query_duration_ms", LogicalType::DOUBLE,
		     [](const dh_query_record &record) { return Milliseconds(record.duration_us); }},
		    {"num_workers_used", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.workers); }},
		    {"num_tasks_generated", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.tasks); }},
		    {"execution_start_time", LogicalType::TIMESTAMP_TZ,
		     [](const dh_query_record &record) { return Value::TIMESTAMPTZ(timestamp_tz_t(record.started_us)); }},
		    {"num_stages", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.stages); }},
		    {"rows_exchanged", LogicalType::BIGINT,
		     [](const dh_query_record &record) { return Count(record.exchanged_rows); }},
		    {"bytes_exchanged", LogicalType::BIGINT,
		     [](const dh_query_record &record) { return Count(record.exchanged_bytes); }},
		    {"worker_cpu_ms", LogicalType::DOUBLE,
		     [](const dh_query_record &record) { return Milliseconds(record.worker_cpu_us); }},
		    {"query_id", LogicalType::BIGINT, [](const dh_query_record &record) { return Count(record.query_id); }},
		    {"status", LogicalType::VARCHAR, [](const dh_query_record &record) { return Value(ToString(record.status)); }}};
		return columns;
	}
};

} // namespace

TableFunction ServerQueryHistory() {
	return ServerList<QueryHistory>::Function("duckherder_server_query_history");
}

TableFunction QueryExecutionStats() {
	return ServerList<ExecutionStats>::Function("duckherder_get_query_execution_stats");
}

} // namespace duckherder
