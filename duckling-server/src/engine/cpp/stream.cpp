// The streams of running statements.

#include "engine_internal.hpp"

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_context.hpp"

using namespace duckdb;
using duckling::BoundedArrowFormat;
using duckling::Guard;

unique_ptr<ArrowArrayWrapper> dh_engine_stream::Fetch() {
	if (retained) {
		auto &batches = retained->Collection<BoundedArrowFormat>();
		return next_retained < batches.size() ? std::move(batches[next_retained++]) : nullptr;
	}
	auto batch = draining->Fetch();
	if (!batch && draining->HasError()) {
		draining->GetErrorObject().Throw();
	}
	return batch;
}

namespace duckling {

dh_engine_stream *OpenStream(Connection &connection, StatementType written_type, unique_ptr<QueryResult> result) {
	if (result->HasError()) {
		result->GetErrorObject().Throw();
	}
	auto stream = make_uniq<dh_engine_stream>();
	stream->context = connection.context;
	if (StreamsByDefault(written_type, *result, false)) {
		stream->draining = make_uniq<QueryResultStream<BoundedArrowFormat>>(std::move(result));
		stream->types = stream->draining->GetTypes();
		stream->names = stream->draining->GetNames();
		stream->properties = stream->draining->GetClientProperties();
	} else {
		// Whatever writes is committed before its first row is handed out: a reader that stops early must not undo it
		result->Complete();
		if (result->HasError()) {
			result->GetErrorObject().Throw();
		}
		stream->types = result->GetTypes();
		stream->names = result->GetNames();
		stream->properties = result->client_properties;
		stream->retained = std::move(result);
	}
	return stream.release();
}

} // namespace duckling

dh_engine_error *dh_engine_stream_schema(dh_engine_stream *stream, ArrowSchema *out) noexcept {
	return Guard([&]() {
		// The session may have changed its time zone since; the stream's own properties are what its batches follow
		auto properties = stream->properties;
		properties.client_context = stream->context.get();
		ArrowConverter::ToArrowSchema(out, stream->types, IdentifiersToStrings(stream->names), properties);
	});
}

dh_engine_error *dh_engine_stream_next(dh_engine_stream *stream, ArrowArray *out) noexcept {
	out->release = nullptr;
	return Guard([&]() {
		auto batch = stream->Fetch();
		if (batch) {
			batch->MoveTo(*out);
		}
	});
}

void dh_engine_stream_free(dh_engine_stream *stream) noexcept {
	dh_engine_error_free(Guard([&]() { delete stream; }));
}
