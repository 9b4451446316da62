// The table function duckherder_workers([catalog]).

#include "workers_function.hpp"

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/common/types/timestamp.hpp"
#include "duckdb/planner/binder.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

struct WorkersBindData : public TableFunctionData {
	explicit WorkersBindData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
	}

	RemoteCatalog &catalog;
};

struct WorkersState : public GlobalTableFunctionState {
	~WorkersState() override {
		if (workers) {
			Rust().workers_free(workers);
		}
	}

	dh_workers *workers = nullptr;
	idx_t next = 0;
};

struct Column {
	const char *name;
	LogicalType type;
	Value (*value)(const dh_worker &worker);
};

} // namespace

static Value Count(uint64_t number) {
	return Value::BIGINT(NumericCast<int64_t>(MinValue<uint64_t>(number, NumericLimits<int64_t>::Maximum())));
}

static const vector<Column> &Columns() {
	static const vector<Column> columns {
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
	return make_uniq<WorkersBindData>(catalog);
}

static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
	auto &catalog = input.bind_data->Cast<WorkersBindData>().catalog;
	auto state = make_uniq<WorkersState>();
	duckherder::Interrupt interrupt(context);
	auto session = catalog.SessionOf(context);
	Check(Rust().session_workers(&session->Get(context), &interrupt, &state->workers));
	return std::move(state);
}

static void Scan(ClientContext &context, TableFunctionInput &input, DataChunk &output) {
	auto &state = input.global_state->Cast<WorkersState>();
	auto &columns = Columns();
	auto count = MinValue<idx_t>(state.workers->worker_count - state.next, STANDARD_VECTOR_SIZE);
	for (idx_t row = 0; row < count; row++) {
		auto &worker = state.workers->workers[state.next++];
		for (idx_t column = 0; column < columns.size(); column++) {
			output.data[column].SetValue(row, columns[column].value(worker));
		}
	}
	output.SetChildCardinality(count);
}

TableFunction WorkersFunction() {
	TableFunction function("duckherder_workers", {}, Scan, Bind, InitGlobal);
	function.GetSignature().AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
	return function;
}

} // namespace duckherder
