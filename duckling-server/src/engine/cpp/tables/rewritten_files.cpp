// Copies files, which never change, on a connection of its own: it takes no part in the user's transaction.

#include "rewritten_files.hpp"

#include "crash_points.hpp"
#include "distributed_table.hpp"
#include "durable_files.hpp"

#include "duckdb/function/scalar_function.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "duckdb/main/connection.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/main/query_result.hpp"

#include <chrono>
#include <thread>

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *STAYS_FUNCTION = "duckherder_row_stays";
//! Until DuckDB's other threads may have work again
constexpr std::chrono::microseconds IDLE_WAIT {100};
constexpr const char *GOING_STATE = "duckling_going_rows";

//! The rows that the one statement of a connection leaves out.
struct GoingRows : public ClientContextState {
	explicit GoingRows(const RowSet &rows_p) : rows(rows_p) {
	}
	const RowSet &rows;
};

void RowStays(DataChunk &arguments, ExpressionState &state, Vector &result) {
	auto going = state.GetContext().registered_state->Get<GoingRows>(GOING_STATE);
	if (!going) {
		throw InvalidInputException("%s() is for the server's own statements", STAYS_FUNCTION);
	}
	UnaryExecutor::Execute<int64_t, bool>(arguments.data[0], result, arguments.size(), [&](int64_t row) {
		auto number = NumericCast<idx_t>(row);
		return number >= going->rows.size() || !going->rows[number];
	});
}

} // namespace

TableFile RewriteFile(ClientContext &context, const TableFile &file, const RowSet &going) {
	context.InterruptCheck();
	auto root = StorageRoot(*context.db);
	if (Checksum(context, root + "/" + file.path) != file.checksum) {
		throw IOException("The file \"%s\" of a distributed table is damaged: its checksum is not the one that is listed. Nothing was "
		                  "changed; duckherder_check() tells which files are damaged",
		                  root + "/" + file.path);
	}
	auto folder = file.path.substr(0, file.path.rfind('/') + 1);
	auto path = folder + NewFileName();
	Connection connection(*context.db);
	connection.context->registered_state->GetOrCreate<GoingRows>(GOING_STATE, going);
	auto sql = StringUtil::Format("COPY (SELECT * FROM read_parquet(%s, hive_partitioning := false) WHERE "
	                              "%s(file_row_number)) TO %s (FORMAT parquet, COMPRESSION zstd, RETURN_STATS true)",
	                              Value(root + "/" + file.path).ToSQLString(), STAYS_FUNCTION,
	                              Value(root + "/" + path).ToSQLString());
	auto result = connection.Submit(sql);
	auto state = QueryResultState::NOT_READY;
	while (!IsObservable(state)) {
		if (context.IsInterrupted()) {
			connection.Interrupt();
		}
		state = result->ExecuteTask();
		if (state == QueryResultState::BLOCKED) {
			result->WaitForTask();
		} else if (state == QueryResultState::NO_TASKS_AVAILABLE) {
			std::this_thread::sleep_for(IDLE_WAIT);
		}
	}
	if (result->HasError()) {
		result->ThrowError();
	}
	CrashPoint("after_rewrite");
	auto durable = MakeDurable(context, root, root + "/" + path);
	auto row = *result->begin();
	return {path, UBigIntValue::Get(row.GetBaseValue(1)), UBigIntValue::Get(row.GetBaseValue(2)), durable.checksum,
	        durable.version, row.GetBaseValue(4), file.column_ids, file.column_names, file.partition_values};
}

void RegisterRewriting(DatabaseInstance &instance) {
	ExtensionLoader loader(instance, "duckling");
	ScalarFunction stays(STAYS_FUNCTION, {LogicalType::BIGINT}, LogicalType::BOOLEAN, RowStays);
	stays.SetStability(FunctionStability::VOLATILE);
	stays.SetFallible();
	loader.RegisterFunction(stays);
}

} // namespace duckling
