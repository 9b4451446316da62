// Rows of the client on their way into a table of a server.

#include "remote_load.hpp"

#include "catalog.hpp"
#include "transaction.hpp"
#include "travelling_types.hpp"

#include "duckdb/common/arrow/arrow_wrapper.hpp"

using namespace duckdb;

namespace duckherder {

//! A batch is sent when it holds this many rows or bytes, whichever comes first.
static constexpr idx_t MAX_BATCH_ROWS = 122880;
static constexpr idx_t MAX_BATCH_BYTES = 1 << 20;

RemoteLoad::RemoteLoad(ClientContext &context, RemoteTransaction &transaction, const LoadTarget &target,
                       bool in_transaction_p)
    : catalog(transaction.GetCatalog().Cast<RemoteCatalog>()), in_transaction(in_transaction_p), sent(target.create_sql),
      types(target.types), properties(context.GetClientProperties()) {
	properties.arrow_lossless_conversion = true;
	extension_types = duckling::TravellingExtensions(context, types);
	vector<dh_str> columns;
	for (auto &column : target.columns) {
		columns.push_back(ToStr(column));
	}
	vector<dh_str> schema_path;
	for (auto &name : target.schema) {
		schema_path.push_back(ToStr(name));
	}
	dh_ingest_target raw {ToStr(target.create_sql), schema_path.data(), schema_path.size(), ToStr(target.table),
	                      columns.data(),           columns.size(),     in_transaction};
	ArrowSchema schema;
	duckling::TravellingSchema(&schema, types, target.columns, properties);
	Interrupt interrupt(context);
	auto &session = transaction.SessionForLoad(context, in_transaction);
	sent.Check(Rust().ingest_open(&session, &raw, &schema, &interrupt, &ingest), catalog);
}

RemoteLoad::~RemoteLoad() {
	if (ingest) {
		Rust().ingest_free(ingest);
	}
}

void RemoteLoad::Append(ClientContext &context, Batch &batch, DataChunk &chunk) {
	if (!batch) {
		batch = make_uniq<ArrowAppender>(types, STANDARD_VECTOR_SIZE, properties, extension_types);
	}
	batch->Append(chunk, 0, chunk.size(), chunk.size());
	if (batch->RowCount() >= MAX_BATCH_ROWS || batch->ByteSize() >= MAX_BATCH_BYTES) {
		Flush(context, batch);
	}
}

void RemoteLoad::Flush(ClientContext &context, Batch &batch) {
	if (!batch) {
		return;
	}
	auto finished = batch->Finalize();
	batch.reset();
	Interrupt interrupt(context);
	sent.Check(Rust().ingest_push(ingest, &finished, &interrupt), catalog);
}

uint64_t RemoteLoad::Finish(ClientContext &context) {
	uint64_t rows = 0;
	Interrupt interrupt(context);
	sent.Check(Rust().ingest_finish(ingest, &interrupt, &rows), catalog);
	if (!in_transaction) {
		IgnoreInterrupts(context);
	}
	return rows;
}

} // namespace duckherder
