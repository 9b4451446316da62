// They are kept with the connection until whoever has started the statement takes them.

#include "notices.hpp"

#include "engine_internal.hpp"

#include "duckdb/main/client_context_state.hpp"

#include <algorithm>

using namespace duckdb;
using duckling::Guard;

namespace duckling {

namespace {

constexpr const char *NOTICES_STATE = "duckling_notices";

struct Notices : public ClientContextState {
	std::vector<string> texts;
};

} // namespace

void AddNotice(ClientContext &context, const string &text) {
	auto &texts = context.registered_state->GetOrCreate<Notices>(NOTICES_STATE)->texts;
	// A statement may be bound more than once
	if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
		texts.push_back(text);
	}
}

} // namespace duckling

dh_engine_error *dh_engine_connection_take_notices(dh_engine_connection *connection, void *taker,
                                                   void (*take)(void *taker, dh_engine_str text)) noexcept {
	return Guard([&]() {
		auto notices = connection->connection->context->registered_state->Get<duckling::Notices>(duckling::NOTICES_STATE);
		if (!notices) {
			return;
		}
		for (auto &text : notices->texts) {
			take(taker, {text.data(), text.size()});
		}
		notices->texts.clear();
	});
}
