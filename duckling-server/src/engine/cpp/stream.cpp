// The result of a statement, batch by batch.

#include "engine_internal.hpp"
#include "keeps_types.hpp"

#include "duckdb/main/client_context.hpp"
#include "duckdb/main/valid_checker.hpp"

#include <chrono>
#include <thread>

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;

namespace {

//! An interrupt aborts the transaction of its statement, where closing the result of a SELECT would not, and DuckDB has no way
//! back. An explicit instantiation may name what is private.
template <atomic<bool> ValidChecker::*MEMBER>
struct Invalidated {
	friend atomic<bool> &IsInvalidated(ValidChecker &checker) {
		return checker.*MEMBER;
	}
};
atomic<bool> &IsInvalidated(ValidChecker &checker);
template struct Invalidated<&ValidChecker::is_invalidated>;

} // namespace

dh_engine_stream::dh_engine_stream(dh_engine_connection &handle, StatementType written_type,
                                   unique_ptr<QueryResult> result)
    : context(handle.connection->context) {
	if (result->HasError()) {
		result->GetErrorObject().Throw();
	}
	if (StreamsByDefault(written_type, *result, false)) {
		draining = make_uniq<QueryResultStream<BoundedArrowFormat>>(std::move(result));
		types = draining->GetTypes();
		names = draining->GetNames();
		properties = draining->GetClientProperties();
		stop_signal = handle.stop_signal;
		lock_guard<mutex> guard(stop_signal->lock);
		stop_signal->is_reading = true;
		stop_signal->is_stopped = false;
		return;
	}
	// Whatever writes is committed before its first row is handed out: a reader that stops early must not undo it
	result->Complete();
	if (result->HasError()) {
		result->GetErrorObject().Throw();
	}
	types = result->GetTypes();
	names = result->GetNames();
	properties = result->client_properties;
	return_type = result->GetStatementProperties().return_type;
	retained = std::move(result);
}

dh_engine_stream::~dh_engine_stream() {
	draining.reset();
	if (stop_signal) {
		lock_guard<mutex> guard(stop_signal->lock);
		stop_signal->is_reading = false;
		if (stop_signal->is_stopped) {
			context->ClearInterrupt();
		}
	}
}

unique_ptr<ArrowArrayWrapper> dh_engine_stream::Fetch() {
	if (retained) {
		auto &batches = retained->Collection<BoundedArrowFormat>();
		return next_retained < batches.size() ? std::move(batches[next_retained++]) : nullptr;
	}
	return FetchDraining();
}

//! How long a reader looks for a batch of other threads without sleeping: about as long as a point query takes.
static constexpr idx_t MAX_YIELDS = 200;
static constexpr std::chrono::microseconds IDLE_WAIT {100};

unique_ptr<ArrowArrayWrapper> dh_engine_stream::FetchDraining() {
	if (!draining) {
		return nullptr;
	}
	auto meter = duckling::Meter::Of(*context);
	idx_t idle_turns = 0;
	while (true) {
		auto state = draining->ExecuteTask();
		unique_ptr<ArrowArrayWrapper> batch;
		// The task does not call it READY before DuckDB's buffer is half full; the reader wants what there is
		auto fetched = draining->TryFetch(batch);
		if (batch || IsTerminal(fetched)) {
			if (!batch && draining->HasError()) {
				auto &error = draining->GetErrorObject();
				if (stop_signal->is_stopped && error.Type() == ExceptionType::INTERRUPT) {
					KeepTransaction();
				}
				error.Throw();
			}
			return batch;
		}
		if (state == QueryResultState::BLOCKED) {
			draining->WaitForTask();
		} else if (state == QueryResultState::NO_TASKS_AVAILABLE) {
			// DuckDB's other threads are at it, and do not tell when a batch is there
			meter->Sample(*context);
			if (++idle_turns < MAX_YIELDS) {
				std::this_thread::yield();
			} else {
				std::this_thread::sleep_for(IDLE_WAIT);
			}
		}
	}
}

void dh_engine_stream::KeepTransaction() {
	if (context->transaction.HasActiveTransaction()) {
		IsInvalidated(ValidChecker::Get(context->ActiveTransaction())) = false;
	}
}

dh_engine_error *dh_engine_stream_schema(dh_engine_stream *stream, ArrowSchema *out) noexcept {
	return Guard([&]() {
		// The session may have changed its time zone since; the stream's own properties are what its batches follow
		auto properties = stream->properties;
		properties.client_context = stream->context.get();
		duckling::ResultSchema(out, stream->types, stream->names, std::move(properties));
	});
}

dh_engine_error *dh_engine_stream_next(dh_engine_stream *stream, ArrowArray *out) noexcept {
	out->release = nullptr;
	return Guard([&]() {
		duckling::MeteredCall metered(stream->context);
		auto batch = stream->Fetch();
		if (batch) {
			batch->MoveTo(*out);
		}
	});
}

int32_t dh_engine_stream_return_kind(const dh_engine_stream *stream) noexcept {
	return duckling::ReturnKind(stream->return_type);
}

bool dh_engine_stream_has_run(const dh_engine_stream *stream) noexcept {
	return stream->retained != nullptr;
}

void dh_engine_stream_free(dh_engine_stream *stream) noexcept {
	dh_engine_error_free(Guard([&]() {
		duckling::MeteredCall metered(stream->context);
		delete stream;
	}));
}
