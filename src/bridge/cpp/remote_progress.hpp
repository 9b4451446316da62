// How far a server is with a statement, and DuckDB's progress bar while a thread waits for it.
#pragma once

#include "bridge_internal.hpp"

namespace duckherder {

//! How far the server is with a statement.
class RemoteProgress {
public:
	RemoteProgress();
	~RemoteProgress();
	RemoteProgress(const RemoteProgress &) = delete;

	//! Less than 100, and never less than before: what the server has done may still be on its way
	double Percent() const;
	const dh_progress *Handle() const {
		return handle;
	}

private:
	dh_progress *handle = nullptr;
};

//! While an operator waits for rows: DuckDB's progress bar goes on, and asks all operators.
struct WaitInOperator : public Interrupt {
	explicit WaitInOperator(duckdb::ClientContext &client);
};

//! While a statement that is the whole plan runs on the server before the plan is begun, where DuckDB holds locks: its progress
//! bar shows what the server tells.
struct WaitForWholePlan : public Interrupt {
	WaitForWholePlan(duckdb::ClientContext &client, const RemoteProgress &progress);

	const RemoteProgress &progress;
	const Interrupt plain;
};

} // namespace duckherder
