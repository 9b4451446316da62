// Statements that are sent for their effect.

#include "remote_statement.hpp"

#include "remote_stream.hpp"
#include "transaction.hpp"

namespace duckherder {

void RunRemote(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &sql) {
	RemoteStream stream(context, catalog, sql);
	while (stream.Next(context)) {
	}
	RemoteTransaction::Get(context, catalog).InvalidateSnapshot();
}

} // namespace duckherder
