// What statements cost: CPU time, memory, temporary files, and what other ducklings do for them.
#pragma once

#include "duckdb/common/atomic.hpp"
#include "duckdb/common/mutex.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/client_context_state.hpp"

#include "engine.h"

namespace duckling {

//! Meters the statements of one connection by DuckDB's own notice of the tasks that its threads work on. DuckDB's profiler
//! is left to the user: it belongs to EXPLAIN ANALYZE and the settings of the session.
class Meter : public duckdb::ClientContextState {
public:
	static duckdb::shared_ptr<Meter> Of(duckdb::ClientContext &context);

	//! Begin anew.
	void Reset(duckdb::ClientContext &context);
	//! Look at what the instance uses now.
	void Sample(duckdb::ClientContext &context);

	//! A part of the statement begins on other ducklings.
	void BeginExchange(const char *mode, const char *merge, uint64_t stages, uint64_t tasks);
	//! It has ended.
	void EndExchange(uint64_t workers, const dh_engine_amount &exchanged, uint64_t cpu_nanoseconds);
	dh_engine_distribution Distribution() const;
	//! How much is done of what other ducklings do now, from 0 to 1; negative if they do nothing, or nobody has asked.
	duckdb::atomic<double> exchange_progress {-1};

	void OnTaskStart(duckdb::ClientContext &context) override;
	void OnTaskStop(duckdb::ClientContext &context) override;

	//! Of all threads together
	duckdb::atomic<uint64_t> cpu_nanoseconds {0};
	//! Of the buffer manager, which all connections share
	duckdb::atomic<uint64_t> peak_memory_bytes {0};
	//! Beyond what there was at the beginning
	duckdb::atomic<uint64_t> peak_temporary_bytes {0};

private:
	duckdb::atomic<uint64_t> first_temporary_bytes {0};
	//! Guards what follows
	mutable duckdb::mutex lock;
	dh_engine_distribution distribution {};
	//! Of the part with most tasks, which gives the statement its mode
	uint64_t most_tasks = 0;
};

//! What the calling thread does for a statement while this lives counts as well, such as planning it.
class MeteredCall {
public:
	explicit MeteredCall(duckdb::shared_ptr<duckdb::ClientContext> context);
	~MeteredCall();

	MeteredCall(const MeteredCall &) = delete;

private:
	//! Keeps it alive, also when the call frees the last stream of its connection
	duckdb::shared_ptr<duckdb::ClientContext> context;
	duckdb::shared_ptr<Meter> meter;
};

} // namespace duckling
