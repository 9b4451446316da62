// What statements cost: CPU time, memory, temporary files, and what other ducklings do for them.

#include "meter.hpp"

#include "engine_internal.hpp"

#include "duckdb/storage/buffer/buffer_pool.hpp"
#include "duckdb/storage/buffer_manager.hpp"

#include <ctime>

using namespace duckdb;
using duckling::Guard;

struct dh_engine_meter {
	shared_ptr<duckling::Meter> meter;
};

namespace duckling {

static constexpr const char *KEY = "duckling_meter";

//! What this thread works on. Tasks nest, where one waits for others and helps meanwhile: only the outermost counts.
struct ThreadWork {
	idx_t depth = 0;
	uint64_t started_nanoseconds = 0;
};
static thread_local ThreadWork work;

static uint64_t ThreadNanoseconds() {
	timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return uint64_t(time.tv_sec) * 1000000000 + uint64_t(time.tv_nsec);
}

static void RaiseTo(atomic<uint64_t> &peak, uint64_t value) {
	auto known = peak.load(std::memory_order_relaxed);
	while (known < value && !peak.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
	}
}

shared_ptr<Meter> Meter::Of(ClientContext &context) {
	return context.registered_state->GetOrCreate<Meter>(KEY);
}

void Meter::Reset(ClientContext &context) {
	cpu_nanoseconds = 0;
	peak_memory_bytes = 0;
	peak_temporary_bytes = 0;
	first_temporary_bytes = BufferManager::GetBufferManager(context).GetUsedSwap();
	exchange_progress = -1;
	lock_guard<mutex> guard(lock);
	distribution = {};
	most_tasks = 0;
}

void Meter::BeginExchange(const char *mode, const char *merge, uint64_t stages, uint64_t tasks) {
	lock_guard<mutex> guard(lock);
	distribution.stages += stages;
	distribution.tasks += tasks;
	if (tasks > most_tasks) {
		most_tasks = tasks;
		distribution.mode = mode;
		distribution.merge = merge;
	}
}

void Meter::EndExchange(uint64_t workers, const dh_engine_amount &exchanged, uint64_t cpu) {
	lock_guard<mutex> guard(lock);
	distribution.workers = MaxValue(distribution.workers, workers);
	distribution.exchanged.rows += exchanged.rows;
	distribution.exchanged.bytes += exchanged.bytes;
	distribution.cpu_nanoseconds += cpu;
}

dh_engine_distribution Meter::Distribution() const {
	lock_guard<mutex> guard(lock);
	return distribution;
}

void Meter::Sample(ClientContext &context) {
	auto &buffers = BufferManager::GetBufferManager(context);
	RaiseTo(peak_memory_bytes, buffers.GetBufferPool().GetUsedMemory(false));
	auto temporary = buffers.GetUsedSwap();
	auto first = first_temporary_bytes.load(std::memory_order_relaxed);
	if (temporary > first) {
		RaiseTo(peak_temporary_bytes, temporary - first);
	}
}

void Meter::OnTaskStart(ClientContext &context) {
	if (work.depth++ == 0) {
		work.started_nanoseconds = ThreadNanoseconds();
	}
	Sample(context);
}

void Meter::OnTaskStop(ClientContext &context) {
	Sample(context);
	if (--work.depth == 0) {
		cpu_nanoseconds.fetch_add(ThreadNanoseconds() - work.started_nanoseconds, std::memory_order_relaxed);
	}
}

MeteredCall::MeteredCall(shared_ptr<ClientContext> context_p)
    : context(std::move(context_p)), meter(Meter::Of(*context)) {
	meter->OnTaskStart(*context);
}

MeteredCall::~MeteredCall() {
	meter->OnTaskStop(*context);
}

} // namespace duckling

dh_engine_error *dh_engine_connection_meter(dh_engine_connection *connection, dh_engine_meter **out) noexcept {
	return Guard([&]() {
		*out = new dh_engine_meter {duckling::Meter::Of(*connection->connection->context)};
	});
}

void dh_engine_meter_free(dh_engine_meter *meter) noexcept {
	delete meter;
}

void dh_engine_connection_reset_meter(dh_engine_connection *connection) noexcept {
	auto &context = *connection->connection->context;
	dh_engine_error_free(Guard([&]() { duckling::Meter::Of(context)->Reset(context); }));
}

dh_engine_usage dh_engine_meter_read(const dh_engine_meter *handle) noexcept {
	auto &meter = *handle->meter;
	return {meter.cpu_nanoseconds, meter.peak_memory_bytes, meter.peak_temporary_bytes, meter.Distribution()};
}
