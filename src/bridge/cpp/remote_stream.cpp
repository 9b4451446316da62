// A remote result as DuckDB reads it.

#include "remote_stream.hpp"

#include "mirrored_settings.hpp"
#include "transaction.hpp"

#include "duckdb/common/type_visitor.hpp"

using namespace duckdb;

namespace duckherder {

RemoteStream::RemoteStream(ClientContext &context, Catalog &catalog, const string &sql) {
	auto &transaction = RemoteTransaction::Get(context, catalog);
	Interrupt interrupt(context);
	MirroredSettings settings(context);
	Check(Rust().stream_open(&transaction.Session(context), ToStr(sql), transaction.BeginsOnServer(), settings.Data(),
	                         settings.Count(), &interrupt, &schema.arrow_schema, &stream));
	try {
		ArrowTableFunction::PopulateArrowTableSchema(context, columns, schema.arrow_schema);
	} catch (...) {
		Rust().stream_free(stream);
		throw;
	}
}

RemoteStream::~RemoteStream() {
	Rust().stream_free(stream);
}

shared_ptr<ArrowArrayWrapper> RemoteStream::Next(ClientContext &context) {
	Interrupt interrupt(context);
	while (true) {
		auto batch = make_shared_ptr<ArrowArrayWrapper>();
		Check(Rust().stream_next(stream, &interrupt, &batch->arrow_array));
		if (!batch->arrow_array.release) {
			return nullptr;
		}
		if (batch->arrow_array.length > 0) {
			return batch;
		}
	}
}

//! What Arrow makes of a type: ENUMs become text, wherever they are in it.
static LogicalType TravellingType(const LogicalType &type) {
	return TypeVisitor::VisitReplace(type, [](const LogicalType &part) {
		return part.id() == LogicalTypeId::ENUM ? LogicalType::VARCHAR : part;
	});
}

void CheckColumnTypes(ArrowTableSchema &columns, const vector<LogicalType> &expected) {
	auto &types = columns.GetTypes();
	auto &names = columns.GetNames();
	if (types.size() != expected.size()) {
		throw InvalidInputException("The remote result has %llu columns where %llu were expected: the remote catalog "
		                            "changed while the statement was being prepared; run it again",
		                            (uint64_t)types.size(), (uint64_t)expected.size());
	}
	for (idx_t i = 0; i < types.size(); i++) {
		if (types[i] != expected[i] && types[i] != TravellingType(expected[i])) {
			throw NotImplementedException("Column \"%s\" of type %s cannot be transferred: it would arrive as %s. Cast it "
			                              "to VARCHAR in the query",
			                              names[i], expected[i].ToString(), types[i].ToString());
		}
	}
}

} // namespace duckherder
