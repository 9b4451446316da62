// The time that statements of a connection take for now.

#include "engine_internal.hpp"

#include "duckdb/main/client_context.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "duckdb/transaction/meta_transaction.hpp"
#include "duckdb/transaction/transaction_context.hpp"

using namespace duckdb;
using duckling::Guard;

namespace {

//! Has a connection's transactions begin when the client's did: now(), current_date and the like are derived from that.
struct Clock : public ClientContextState {
	static constexpr const char *KEY = "duckling_clock";

	void TransactionBegin(MetaTransaction &transaction, ClientContext &) override {
		if (is_set) {
			transaction.start_timestamp = start;
		}
	}

	bool is_set = false;
	timestamp_t start;
};

} // namespace

dh_engine_error *dh_engine_connection_set_clock(dh_engine_connection *connection, const int64_t *start_us) noexcept {
	return Guard([&]() {
		auto &context = *connection->connection->context;
		auto clock = context.registered_state->GetOrCreate<Clock>(Clock::KEY);
		clock->is_set = start_us != nullptr;
		if (!start_us) {
			return;
		}
		clock->start = timestamp_t(*start_us);
		// Begun by a call that did not tell
		if (context.transaction.HasActiveTransaction()) {
			context.transaction.ActiveTransaction().start_timestamp = clock->start;
		}
	});
}
