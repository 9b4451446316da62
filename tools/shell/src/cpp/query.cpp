//! Statements and their results, read as text through DuckDB's own casts.
#include "handles.hpp"

#include "duckdb/common/vector/flat_vector.hpp"
#include "duckdb/common/vector_operations/vector_operations.hpp"

dh_error *dh_statements_create(dh_session *session, dh_slice sql, dh_statements **out) noexcept {
	return Guard([&]() {
		session->Context().ClearInterrupt();
		std::string text(sql.data, sql.size);
		*out = new dh_statements {*session, text, session->Context().IterateStatements(text)};
	});
}

dh_error *dh_statements_next(dh_statements *statements, dh_statement **out) noexcept {
	*out = nullptr;
	return Guard([&]() {
		try {
			auto statement = statements->iterator.GetStatementForExecution();
			if (statement) {
				*out = new dh_statement {std::move(statement)};
			}
		} catch (const std::exception &exception) {
			duckdb::ErrorData error(exception);
			statements->session.Context().ProcessError(error, statements->sql);
			error.Throw();
		}
	});
}

void dh_statements_destroy(dh_statements *statements) noexcept {
	delete statements;
}

void dh_statement_destroy(dh_statement *statement) noexcept {
	delete statement;
}

static dh_query_kind QueryKind(duckdb::StatementType type, const duckdb::StatementProperties &properties) {
	switch (properties.return_type) {
	case duckdb::StatementReturnType::CHANGED_ROWS:
		return DH_QUERY_CHANGES;
	case duckdb::StatementReturnType::NOTHING:
		return DH_QUERY_NOTHING;
	default:
		return type == duckdb::StatementType::EXPLAIN_STATEMENT ? DH_QUERY_PLAN : DH_QUERY_ROWS;
	}
}

template <class RESULT>
static void ReadMetadata(dh_query &query, duckdb::StatementType type, const RESULT &result) {
	query.kind = QueryKind(type, result.GetStatementProperties());
	query.types = result.GetTypes();
	for (auto &name : result.GetNames()) {
		query.names.push_back(name.GetIdentifierName());
	}
}

dh_error *dh_query_submit(dh_session *session, dh_statement *statement, dh_query **out) noexcept {
	duckdb::unique_ptr<dh_statement> owned(statement);
	return Guard([&]() {
		auto bar = duckdb::make_shared_ptr<QueryProgressBar>();
		session->progress->current = bar;
		duckdb::unique_ptr<dh_query> query(new dh_query {*session, DH_QUERY_NOTHING, nullptr, nullptr, {}, {}});

		auto type = owned->statement->type;
		auto result = session->connection.Submit(std::move(owned->statement));
		result->ThrowIfError();
		if (duckdb::StreamsByDefault(type, *result)) {
			query->stream = duckdb::make_uniq<duckdb::QueryResultStream<>>(std::move(result));
			ReadMetadata(*query, type, *query->stream);
		} else {
			result->Complete();
			bar->Close(!result->HasError());
			result->ThrowIfError();
			ReadMetadata(*query, type, *result);
			query->retained = std::move(result);
		}
		*out = query.release();
	});
}

dh_query::~dh_query() {
	if (session.progress->current) {
		session.progress->current->Close(false);
	}
}

duckdb::unique_ptr<duckdb::DataChunk> dh_query::Fetch() {
	if (kind == DH_QUERY_NOTHING) {
		return nullptr;
	}
	if (retained) {
		return retained->Fetch();
	}
	auto chunk = stream->Fetch();
	if (!chunk && stream->HasError()) {
		stream->GetErrorObject().Throw();
	}
	return chunk;
}

void dh_query_destroy(dh_query *query) noexcept {
	delete query;
}

dh_query_kind dh_query_get_kind(const dh_query *query) noexcept {
	return query->kind;
}

size_t dh_query_column_count(const dh_query *query) noexcept {
	return query->names.size();
}

dh_slice dh_query_column_name(const dh_query *query, size_t column) noexcept {
	return ToSlice(query->names[column]);
}

dh_column_class dh_query_column_class(const dh_query *query, size_t column) noexcept {
	auto &type = query->types[column];
	if (type.IsNested() || type.IsJSONType() || type.id() == duckdb::LogicalTypeId::VARIANT) {
		return DH_COLUMN_JSON;
	}
	if (type.id() == duckdb::LogicalTypeId::BOOLEAN) {
		return DH_COLUMN_BOOLEAN;
	}
	return type.IsNumeric() ? DH_COLUMN_NUMERIC : DH_COLUMN_OTHER;
}

static void CastColumns(dh_session &session, duckdb::DataChunk &source, duckdb::DataChunk &target,
                        const duckdb::vector<duckdb::LogicalType> &types) {
	target.Initialize(duckdb::Allocator::DefaultAllocator(), types);
	for (duckdb::idx_t column = 0; column < source.ColumnCount(); column++) {
		duckdb::VectorOperations::Cast(session.Context(), source.data[column], target.data[column], source.size());
	}
	target.SetChildCardinality(source.size());
	target.Flatten();
}

dh_error *dh_query_next(dh_query *query, dh_chunk_format format, dh_chunk **out) noexcept {
	*out = nullptr;
	return Guard([&]() {
		auto chunk = query->Fetch();
		query->session.progress->current->Close(true);
		if (!chunk) {
			return;
		}
		duckdb::vector<duckdb::LogicalType> text_types(query->types.size(), duckdb::LogicalType::VARCHAR);
		duckdb::unique_ptr<dh_chunk> result(new dh_chunk());
		if (format == DH_CHUNK_JSON) {
			auto json_types = text_types;
			for (duckdb::idx_t column = 0; column < json_types.size(); column++) {
				if (dh_query_column_class(query, column) == DH_COLUMN_JSON) {
					json_types[column] = duckdb::LogicalType::JSON();
				}
			}
			duckdb::DataChunk json;
			CastColumns(query->session, *chunk, json, json_types);
			CastColumns(query->session, json, result->text, text_types);
		} else {
			CastColumns(query->session, *chunk, result->text, text_types);
		}
		*out = result.release();
	});
}

size_t dh_chunk_row_count(const dh_chunk *chunk) noexcept {
	return chunk->text.size();
}

dh_value dh_chunk_value(const dh_chunk *chunk, size_t column, size_t row) noexcept {
	auto &vector = chunk->text.data[column];
	if (duckdb::FlatVector::IsNull(vector, row)) {
		return dh_value {nullptr, 0};
	}
	auto &value = duckdb::FlatVector::GetData<duckdb::string_t>(vector)[row];
	return dh_value {value.GetData(), value.GetSize()};
}

void dh_chunk_destroy(dh_chunk *chunk) noexcept {
	delete chunk;
}
