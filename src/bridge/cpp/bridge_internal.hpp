// Shared by the bridge's C++ files; never seen by Rust.
#pragma once

#include "bridge.h"

#include "duckdb.hpp"
#include "duckdb/main/client_context.hpp"

namespace duckherder {

//! The callback table that Rust gave when the extension was loaded.
const dh_callbacks &Rust();

inline dh_str ToStr(const std::string &text) {
	return dh_str {text.data(), text.size()};
}

inline std::string ToString(dh_str text) {
	return std::string(text.data, text.len);
}

//! An exception on its way through the bridge.
struct RemoteError {
	duckdb::ExceptionType type;
	std::string message;
	//! The position in it is one in the statement that the server got
	duckdb::unordered_map<duckdb::string, duckdb::string> extra_info;

	bool HasPosition() const;
	void SetPosition(duckdb::QueryLocation location);
};

//! Read an error, and free it.
RemoteError TakeError(dh_error *error);
//! Throw the exception that `error` describes, if there is one, and free it. For what the user did not write: no position.
void Check(dh_error *error);

//! The DuckDB type that a server names.
duckdb::LogicalType ParseType(duckdb::ClientContext &context, dh_str text);

//! Lets Rust see the interrupt flag of a client while it waits for that client.
struct Interrupt : public dh_interrupt {
	explicit Interrupt(duckdb::ClientContext &client);
};

//! Interrupts come too late for the statement that runs, as after DuckDB's own COMMIT: what it did has taken effect, and must not
//! look undone.
void IgnoreInterrupts(duckdb::ClientContext &client);

} // namespace duckherder
