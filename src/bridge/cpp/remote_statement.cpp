// Statements that are sent for their effect.

#include "remote_statement.hpp"

#include "remote_stream.hpp"

namespace duckherder {

void RunRemote(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &sql) {
	RemoteStream stream(context, catalog, SentStatement(sql), DH_EXECUTE_RUN, true);
	Interrupt interrupt(context);
	while (stream.Next(interrupt)) {
	}
}

} // namespace duckherder
