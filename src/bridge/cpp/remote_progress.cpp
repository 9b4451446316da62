// How far a server is with a statement, and DuckDB's progress bar while a thread waits for it.

#include "remote_progress.hpp"

#include "statement_state.hpp"

#include "duckdb/common/progress_bar/progress_bar.hpp"
#include "duckdb/main/active_query_context.hpp"
#include "duckdb/main/client_context.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

//! DuckDB moves its bar itself, between the tasks of the thread that runs the statement, and shows it to nobody else. An
//! explicit instantiation may name what is private.
template <class OWNER, class TYPE, TYPE OWNER::*MEMBER>
struct Private {
	friend TYPE &Get(OWNER &owner, TYPE *) {
		return owner.*MEMBER;
	}
};
unique_ptr<ActiveQueryContext> &Get(ClientContext &context, unique_ptr<ActiveQueryContext> *);
QueryProgress &Get(ClientContext &context, QueryProgress *);
QueryProgress &Get(ProgressBar &bar, QueryProgress *);
atomic<double> &Get(QueryProgress &progress, atomic<double> *);
template struct Private<ClientContext, unique_ptr<ActiveQueryContext>, &ClientContext::active_query>;
template struct Private<ClientContext, QueryProgress, &ClientContext::query_progress>;
template struct Private<ProgressBar, QueryProgress, &ProgressBar::query_progress>;
template struct Private<QueryProgress, atomic<double>, &QueryProgress::percentage>;

template <class TYPE, class OWNER>
TYPE &PrivateOf(OWNER &owner) {
	return Get(owner, static_cast<TYPE *>(nullptr));
}

} // namespace

static optional_ptr<ProgressBar> BarOf(ClientContext &context) {
	auto &active = PrivateOf<unique_ptr<ActiveQueryContext>>(context);
	return active ? active->progress_bar.get() : nullptr;
}

static void Publish(ClientContext &context, ProgressBar &bar) {
	PrivateOf<QueryProgress>(context) = bar.GetDetailedQueryProgress();
}

RemoteProgress::RemoteProgress() {
	Check(Rust().progress_new(&handle));
}

RemoteProgress::~RemoteProgress() {
	Rust().progress_free(handle);
}

double RemoteProgress::Percent() const {
	static constexpr double MAX_UNFINISHED = 99;
	return MinValue(Rust().progress_percent(handle), MAX_UNFINISHED);
}

static dh_str MoveBar(void *context) noexcept {
	auto &client = *static_cast<ClientContext *>(context);
	try {
		auto bar = BarOf(client);
		if (bar && StatementState::Of(client).IsRunByThisThread()) {
			bar->Update(false);
			Publish(client, *bar);
		}
	} catch (...) {
		// What cannot be drawn must not end the statement
	}
	return Interrupt(client).reason(context);
}

WaitInOperator::WaitInOperator(ClientContext &client) : Interrupt(client) {
	reason = MoveBar;
}

static dh_str SetBar(void *context) noexcept {
	auto &wait = *static_cast<const WaitForWholePlan *>(context);
	try {
		auto &client = *static_cast<ClientContext *>(wait.plain.context);
		auto bar = BarOf(client);
		if (bar) {
			auto &percentage = PrivateOf<atomic<double>>(PrivateOf<QueryProgress>(*bar));
			percentage = MaxValue(percentage.load(), wait.progress.Percent());
			// If it is another thread, it is not held up by this one, and publishes what it finds
			if (StatementState::Of(client).IsRunByThisThread()) {
				if (bar->ShouldPrint(false)) {
					bar->PrintProgress(percentage);
				}
				Publish(client, *bar);
			}
		}
	} catch (...) {
		// As above
	}
	return wait.plain.reason(wait.plain.context);
}

WaitForWholePlan::WaitForWholePlan(ClientContext &client, const RemoteProgress &progress_p)
    : Interrupt(client), progress(progress_p), plain(client) {
	reason = SetBar;
	context = this;
}

} // namespace duckherder
