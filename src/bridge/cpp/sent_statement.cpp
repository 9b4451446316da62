// A statement for a server, and how what the server finds wrong with it is found in the user's own text.

#include "sent_statement.hpp"

#include "catalog.hpp"
#include "schema_entry.hpp"
#include "snapshot.hpp"
#include "statement_names.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/query_error_context.hpp"

using namespace duckdb;

namespace duckherder {

SentStatement::SentStatement(string sql_p) : sql(std::move(sql_p)), origin(Origin::OURS) {
}

SentStatement::SentStatement(shared_ptr<QueryNode> node_p)
    : sql(node_p->ToString()), origin(Origin::PRINTED), node(std::move(node_p)) {
}

SentStatement::SentStatement(shared_ptr<SQLStatement> statement_p)
    : sql(statement_p->ToString()), origin(Origin::PRINTED), statement(std::move(statement_p)) {
}

SentStatement SentStatement::AsWritten(string sql) {
	SentStatement result(std::move(sql));
	result.origin = Origin::WRITTEN;
	return result;
}

SentStatement SentStatement::AsArgument(string sql) {
	SentStatement result(std::move(sql));
	result.origin = Origin::ARGUMENT;
	return result;
}

SentStatement SentStatement::Behind(const string &text) const {
	auto result = *this;
	result.sql = text + sql;
	result.prefix = prefix + text.size();
	return result;
}

namespace {

//! An expression or a table of a statement.
struct Part {
	int kind;
	QueryLocation location;
	//! Number of the first part that is not inside of it
	idx_t end;
};

class Parts : public StatementNames {
public:
	vector<Part> parts;

protected:
	void VisitName(CatalogType, QualifiedName &) override {
	}
	void Enter(int kind, QueryLocation location) override {
		open.push_back(parts.size());
		parts.push_back({kind, location, 0});
	}
	void Leave() override {
		parts[open.back()].end = parts.size();
		open.pop_back();
	}

private:
	vector<idx_t> open;
};

} // namespace

//! A value may be printed as more than it was: as a cast, or a call.
static bool IsValue(const Part &part) {
	return part.kind == int(ExpressionClass::CONSTANT) || part.kind == int(ExpressionClass::PARAMETER);
}

//! Walk through the statement as it was printed and as the user wrote it, side by side, to what is at `place`. Of some errors
//! DuckDB tells the beginning alone: the innermost that begins there is meant.
static QueryLocation FindBeside(const vector<Part> &printed, const vector<Part> &written, QueryLocation place) {
	QueryLocation found;
	idx_t next = 0;
	for (auto &part : written) {
		if (next >= printed.size() || (printed[next].kind != part.kind && !IsValue(part))) {
			break;
		}
		auto end = IsValue(part) ? printed[next].end : next + 1;
		for (; next < end; next++) {
			auto &location = printed[next].location;
			if (location.offset != place.offset || !part.location.IsValid()) {
				continue;
			}
			if (place.length == 0) {
				found = QueryLocation(part.location.offset, 0);
			} else if (place.length == location.length) {
				return part.location;
			}
		}
	}
	return found;
}

QueryLocation SentStatement::Find(QueryLocation place) const {
	try {
		auto parser = Parser::GetBuiltinParser();
		parser.ParseQuery(sql.substr(prefix));
		Parts printed, written;
		printed.Walk(*parser.statements.at(0));
		if (node) {
			written.Walk(*node->Copy());
		} else {
			written.Walk(*statement->Copy());
		}
		return FindBeside(printed.parts, written.parts, place);
	} catch (const std::exception &) {
		// An error without its place is better than another one
		return QueryLocation();
	}
}

static QueryLocation PositionOf(const RemoteError &error) {
	auto location = error.extra_info.find("location");
	unsigned long long offset, length;
	if (location != error.extra_info.end() &&
	    std::sscanf(location->second.c_str(), "[%llu,%llu]", &offset, &length) == 2) {
		return QueryLocation(offset, length);
	}
	return QueryLocation();
}

//! Replace `wanted` where it is no part of a longer name.
static void Replace(string &text, const string &wanted, const string &other) {
	for (auto at = text.find(wanted); at != string::npos; at = text.find(wanted, at)) {
		if (at > 0 && (StringUtil::CharacterIsAlphaNumeric(text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '.')) {
			at += wanted.size();
		} else {
			text.replace(at, wanted.size(), other);
			at += other.size();
		}
	}
}

//! The server's name of its database is none that the user knows.
static void NameForClient(RemoteError &error, RemoteCatalog &catalog) {
	auto server_name = catalog.ServerDatabase();
	auto client_name = catalog.GetName();
	Replace(error.message, "database \"" + server_name.GetIdentifierName() + "\"",
	        "database \"" + client_name.GetIdentifierName() + "\"");
	auto snapshot = catalog.LastSnapshot();
	// Before a schema it cannot be the name of a table; in messages of other classes it may be a value of the user's
	if (snapshot && (error.type == ExceptionType::BINDER || error.type == ExceptionType::CATALOG)) {
		snapshot->ScanSchemas([&](SchemaCatalogEntry &schema) {
			auto rest = "." + SQLIdentifier::ToString(schema.name) + ".";
			Replace(error.message, SQLIdentifier::ToString(server_name) + rest,
			        SQLIdentifier::ToString(client_name) + rest);
		});
	}
}

void SentStatement::Check(dh_error *error, RemoteCatalog &catalog) const {
	if (!error) {
		return;
	}
	auto taken = TakeError(error);
	if (taken.HasPosition()) {
		auto place = PositionOf(taken);
		if (place.IsValid() && prefix > 0) {
			place = place.offset < prefix ? QueryLocation() : QueryLocation(place.offset - prefix, place.length);
			taken.SetPosition(place);
		}
		if (origin == Origin::ARGUMENT && place.IsValid()) {
			taken.message = QueryErrorContext::Format(sql.substr(prefix), taken.message, place.offset, place.length);
		}
		if (origin != Origin::WRITTEN) {
			taken.SetPosition(origin == Origin::PRINTED ? Find(place) : QueryLocation());
		}
	}
	if (origin == Origin::PRINTED || origin == Origin::OURS) {
		NameForClient(taken, catalog);
	}
	throw Exception(taken.extra_info, taken.type, taken.message);
}

} // namespace duckherder
