// What a server answers to a statement, as DuckDB reads it.

#include "remote_stream.hpp"

#include "catalog.hpp"
#include "mirrored_settings.hpp"
#include "transaction.hpp"

#include "duckdb/logging/logger.hpp"
#include "duckdb/main/client_config.hpp"
#include "duckdb/main/settings.hpp"
#include "duckdb/transaction/meta_transaction.hpp"

using namespace duckdb;

namespace duckherder {

//! DuckDB's shell prints warnings.
static void LogNotices(ClientContext &context, const dh_answer &answer) {
	for (size_t i = 0; i < answer.notice_count; i++) {
		auto text = ToString(answer.notices[i]);
		if (Settings::Get<WarningsAsErrorsSetting>(context)) {
			// What it is about has been done
			DUCKDB_LOG_INFO(context, text);
		} else {
			DUCKDB_LOG_WARNING(context, text);
		}
	}
}

RemoteStream::RemoteStream(ClientContext &context, Catalog &catalog_p, SentStatement sent_p, dh_execute_mode mode,
                           bool writes, optional_ptr<const ResultShape> expected, bool profiles,
                           optional_ptr<const WatchedStart> start)
    : progress(start ? start->progress : make_shared_ptr<RemoteProgress>()), catalog(catalog_p.Cast<RemoteCatalog>()),
      sent(std::move(sent_p)) {
	auto &transaction = RemoteTransaction::Get(context, catalog_p);
	auto &session = transaction.Session(context);
	const Interrupt plain(context);
	auto &wait = start ? start->wait : plain;
	auto wants_progress = mode != DH_EXECUTE_DESCRIBE && ClientConfig::GetConfig(context).enable_progress_bar;
	MirroredSettings settings(context, profiles);
	vector<dh_option> columns_expected;
	for (idx_t i = 0; expected && i < expected->names.size(); i++) {
		columns_expected.push_back({ToStr(expected->names[i]), ToStr(expected->types[i])});
	}
	dh_statement statement {ToStr(sent.Sql()),
	                        mode,
	                        transaction.BeginsOnServer(),
	                        writes,
	                        settings.Data(),
	                        settings.Count(),
	                        MetaTransaction::Get(context).start_timestamp.value,
	                        columns_expected.data(),
	                        columns_expected.size(),
	                        wants_progress ? progress->Handle() : nullptr};
	if (writes) {
		transaction.Writes();
	}
	sent.Check(Rust().session_execute(&session, &statement, &wait, &schema.arrow_schema, &answer, &stream),
	           catalog);
	if (writes && answer->has_run && !transaction.BeginsOnServer()) {
		IgnoreInterrupts(context);
	}
	try {
		transaction.HeardOf(answer->catalog_version);
		ArrowTableFunction::PopulateArrowTableSchema(context, columns, schema.arrow_schema);
		LogNotices(context, *answer);
	} catch (...) {
		Free();
		throw;
	}
}

RemoteStream::~RemoteStream() {
	Free();
}

void RemoteStream::Free() {
	if (stream) {
		Rust().stream_free(stream);
	}
	Rust().answer_free(answer);
}

vector<LogicalType> RemoteStream::Types(ClientContext &context) {
	if (answer->column_type_count != columns.GetTypes().size()) {
		return columns.GetTypes();
	}
	vector<LogicalType> types;
	for (idx_t i = 0; i < answer->column_type_count; i++) {
		types.push_back(ParseType(context, answer->column_types[i]));
	}
	return types;
}

StatementReturnType RemoteStream::ReturnType() const {
	switch (answer->return_kind) {
	case DH_RETURN_CHANGED_ROWS:
		return StatementReturnType::CHANGED_ROWS;
	case DH_RETURN_NOTHING:
		return StatementReturnType::NOTHING;
	default:
		return StatementReturnType::QUERY_RESULT;
	}
}

shared_ptr<ArrowArrayWrapper> RemoteStream::Next(const Interrupt &wait) {
	while (true) {
		auto batch = make_shared_ptr<ArrowArrayWrapper>();
		sent.Check(Rust().stream_next(stream, &wait, &batch->arrow_array), catalog);
		if (!batch->arrow_array.release) {
			return nullptr;
		}
		if (batch->arrow_array.length > 0) {
			return batch;
		}
	}
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
		if (types[i] != expected[i]) {
			throw InvalidInputException("Column \"%s\" is of type %s where %s was expected: the remote catalog changed "
			                            "while the statement was being prepared; run it again",
			                            names[i], types[i].ToString(), expected[i].ToString());
		}
	}
}

} // namespace duckherder
