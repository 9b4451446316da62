//! Errors, texts, and the session: the connection with its progress bar, its CONNECT state and its tokenizer.
#include "handles.hpp"
#include "warnings.hpp"

#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/client_config.hpp"
#include "duckdb/parser/peg/compiled_grammar.hpp"
#include "duckdb/parser/peg/tokenizer/highlight_tokenizer.hpp"

dh_slice dh_error_message(const dh_error *error) noexcept {
	return ToSlice(error->message);
}

void dh_error_destroy(dh_error *error) noexcept {
	delete error;
}

dh_slice dh_text_slice(const dh_text *text) noexcept {
	return ToSlice(text->text);
}

void dh_text_destroy(dh_text *text) noexcept {
	delete text;
}

dh_slice dh_release_codename() noexcept {
	auto name = duckdb::DuckDB::ReleaseCodename();
	return dh_slice {name, strlen(name)};
}

dh_slice dh_release_commit() noexcept {
	auto commit = duckdb::DuckDB::SourceID();
	return dh_slice {commit, strlen(commit)};
}

dh_error *dh_session_create(duckdb_connection connection, bool show_progress, dh_session **out) noexcept {
	return Guard([&]() {
		auto &native = *reinterpret_cast<duckdb::Connection *>(connection);
		auto slot = duckdb::make_shared_ptr<ProgressSlot>();
		auto &config = duckdb::ClientConfig::GetConfig(*native.context);
		config.enable_progress_bar = show_progress;
		config.display_create_func = [slot]() -> duckdb::unique_ptr<duckdb::ProgressBarDisplay> {
			return duckdb::make_uniq<ProgressForwarder>(slot->current);
		};
		PrintWarnings(*native.context->db);
		*out = new dh_session {native, slot};
	});
}

void dh_session_destroy(dh_session *session) noexcept {
	delete session;
}

dh_error *dh_session_connected_database(dh_session *session, dh_text **out) noexcept {
	*out = nullptr;
	return Guard([&]() {
		auto database = session->Context().TryGetConnectedCatalog();
		if (database) {
			*out = new dh_text {database->GetName().GetIdentifierName()};
		}
	});
}

dh_error *dh_session_classify_input(dh_session *session, dh_slice sql, dh_input_state *out) noexcept {
	return Guard([&]() {
		duckdb::string input(sql.data, sql.size);
		duckdb::vector<duckdb::MatcherToken> tokens;
		duckdb::HighlightTokenizerBehavior behavior(input, tokens);
		duckdb::CompiledGrammar::Get(session->Context())->GetTokenizer().TokenizeInput(behavior);

		*out = DH_INPUT_EMPTY;
		for (auto &token : tokens) {
			switch (token.type) {
			case duckdb::TokenType::END_OF_INPUT:
				break;
			case duckdb::TokenType::TERMINATOR:
				*out = DH_INPUT_COMPLETE;
				break;
			case duckdb::TokenType::COMMENT:
				*out = token.unterminated ? DH_INPUT_INCOMPLETE : *out;
				break;
			default:
				*out = DH_INPUT_INCOMPLETE;
				break;
			}
		}
	});
}
