// The table function duckherder_workers([catalog]).

#include "workers_function.hpp"

#include "server_list.hpp"

#include "duckdb/common/types/timestamp.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct Workers {
	using Record = dh_worker;
	using Handle = dh_workers;

	static const vector<ListColumn<Record>> &Columns() {
		static const vector<ListColumn<Record>> columns {
		    {"id", LogicalType::VARCHAR, [](const dh_worker &worker) { return Value(ToString(worker.id)); }},
		    {"address", LogicalType::VARCHAR, [](const dh_worker &worker) { return Value(ToString(worker.address)); }},
		    {"state", LogicalType::VARCHAR,
		     [](const dh_worker &worker) { return Value(worker.is_active ? "active" : "lost"); }},
		    {"threads", LogicalType::BIGINT, [](const dh_worker &worker) { return Count(worker.threads); }},
		    {"memory_limit_bytes", LogicalType::BIGINT,
		     [](const dh_worker &worker) { return Count(worker.memory_limit_bytes); }},
		    {"memory_used_bytes", LogicalType::BIGINT,
		     [](const dh_worker &worker) { return Count(worker.memory_used_bytes); }},
		    {"tasks_running", LogicalType::BIGINT, [](const dh_worker &worker) { return Count(worker.tasks_running); }},
		    {"tasks_done", LogicalType::BIGINT, [](const dh_worker &worker) { return Count(worker.tasks_done); }},
		    {"last_heartbeat", LogicalType::TIMESTAMP_TZ,
		     [](const dh_worker &worker) { return Value::TIMESTAMPTZ(timestamp_tz_t(worker.last_heartbeat_us)); }},
		    {"version", LogicalType::VARCHAR, [](const dh_worker &worker) { return Value(ToString(worker.version)); }}};
		return columns;
	}
	static dh_error *Fetch(dh_session *session, const dh_interrupt *interrupt, Handle **out) {
		return Rust().session_workers(session, interrupt, out);
	}
	static void Free(Handle *list) {
		Rust().workers_free(list);
	}
	static const Record *Records(const Handle &list) {
		return list.workers;
	}
	static idx_t RecordCount(const Handle &list) {
		return list.worker_count;
	}
};

} // namespace

TableFunction WorkersFunction() {
	return ServerList<Workers>::Function("duckherder_workers");
}

} // namespace duckherder
