// The names in a statement as its server must read them.

#include "server_names.hpp"

#include "catalog.hpp"
#include "snapshot.hpp"
#include "schema_entry.hpp"
#include "statement_names.hpp"

#include "duckdb/catalog/catalog_search_path.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/optimizer/remote_pushdown_optimizer.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/create_type_info.hpp"
#include "duckdb/parser/statement/alter_statement.hpp"
#include "duckdb/parser/statement/create_statement.hpp"

#include <set>

using namespace duckdb;

namespace duckherder {

namespace {

//! Takes the catalog out of names that DuckDB's own pass leaves alone.
class CatalogOut : public StatementNames {
public:
	explicit CatalogOut(const RemoteCatalog &catalog) : catalog(catalog) {
	}

	void Strip(CreateInfo &info) {
		if (info.type == CatalogType::TABLE_ENTRY) {
			auto query = std::move(info.Cast<CreateTableInfo>().query);
			WalkBody(info);
			info.Cast<CreateTableInfo>().query = std::move(query);
		} else if (info.type == CatalogType::TYPE_ENTRY) {
			Walk(info.Cast<CreateTypeInfo>().type);
		} else if (info.type == CatalogType::MACRO_ENTRY || info.type == CatalogType::TABLE_MACRO_ENTRY) {
			for (auto &macro : info.Cast<CreateMacroInfo>().macros) {
				for (auto &type : macro->types) {
					Walk(type);
				}
			}
		}
	}

	void Strip(AlterInfo &info) {
		WalkBody(info);
		if (info.type == AlterType::CHANGE_OWNERSHIP) {
			auto &ownership = info.Cast<ChangeOwnershipInfo>();
			if (ownership.owner_schema == catalog.GetName()) {
				ownership.owner_schema = Identifier();
			}
		}
	}

protected:
	void VisitName(CatalogType type, QualifiedName &name) override {
		auto path = name.Path();
		if (type != CatalogType::SEQUENCE_ENTRY && path.size() > 1 && path.front() == catalog.GetName()) {
			path.erase(path.begin());
			name = QualifiedName::FromPath(std::move(path));
		}
	}

	void VisitColumn(ColumnRefExpression &column) override {
		auto &names = column.ColumnNamesMutable();
		if (names.size() >= 3 && names.front() == catalog.GetName()) {
			names.erase(names.begin());
		}
	}

private:
	const RemoteCatalog &catalog;
};

//! Says in names what the server cannot know: the schema that the client is in, and its own database where a schema is
//! named like one of its databases.
class ServerNames : public StatementNames {
public:
	ServerNames(ClientContext &context, RemoteCatalog &catalog) : context(context), catalog(catalog) {
		auto &search_path = *ClientData::Get(context).catalog_search_path;
		auto &default_entry = search_path.GetDefault();
		auto is_default = default_entry.GetCatalog() == catalog.GetName();
		if (is_default) {
			default_schema = default_entry.GetSchema();
		}
		for (auto &entry : search_path.Get()) {
			// An entry without a catalog stands for the default database
			if (entry.GetCatalog() == catalog.GetName() || (is_default && IsInvalidCatalog(entry.GetCatalog()))) {
				search_schemas.push_back(entry.GetSchema());
			}
		}
		snapshot = catalog.LastSnapshot();
	}

	bool HasQualified() const {
		return !qualified.empty();
	}
	bool IsQualified(const Identifier &schema, const Identifier &table) const {
		return qualified.count({StringUtil::Lower(schema.GetIdentifierName()),
		                        StringUtil::Lower(table.GetIdentifierName())}) > 0;
	}

protected:
	void VisitName(CatalogType type, QualifiedName &name) override {
		if (type == CatalogType::SEQUENCE_ENTRY) {
			FindSequence(name);
		}
		if (name.Path().size() == 1 && type != CatalogType::SCHEMA_ENTRY) {
			AddSchema(type, name);
		}
		AddDatabase(name);
	}

	void VisitNewName(CatalogType type, QualifiedName &name) override {
		if (name.Path().size() == 1 && !default_schema.empty() && default_schema != DEFAULT_SCHEMA) {
			name = QualifiedName({default_schema}, name.Name());
		}
		AddDatabase(name);
	}

private:
	//! A sequence of the client's cannot be used on the server, where another one may have its name.
	void FindSequence(QualifiedName &name) {
		auto path = name.Path();
		if (path.size() > 1 && path.front() == catalog.GetName()) {
			path.erase(path.begin());
			name = QualifiedName::FromPath(std::move(path));
			return;
		}
		auto elsewhere = path.size() > 1 ? DatabaseManager::Get(context).GetDatabase(context, path.front()) : nullptr;
		auto is_elsewhere = elsewhere && &elsewhere->GetCatalog() != &catalog;
		if (path.size() == 1) {
			auto entry = Catalog::GetEntry(context, EntryLookupInfo(CatalogType::SEQUENCE_ENTRY, name),
			                               OnEntryNotFound::RETURN_NULL);
			is_elsewhere = entry && &entry->ParentCatalog() != &catalog;
		}
		if (is_elsewhere) {
			throw BinderException("Sequence %s is not in the database \"%s\", whose server runs the statement: use it in a "
			                      "statement of its own",
			                      name.ToString(), catalog.GetName().GetIdentifierName());
		}
	}

	bool Has(const Identifier &schema, CatalogType type, const Identifier &name) {
		auto entry = snapshot ? snapshot->FindSchema({schema}) : nullptr;
		return entry && entry->Has(type, name);
	}

	//! The schema of the search path that has it. If none has: the first, so that the server reports it missing, except
	//! for what DuckDB itself has too.
	void AddSchema(CatalogType type, QualifiedName &name) {
		auto is_built_in = type == CatalogType::SCALAR_FUNCTION_ENTRY || type == CatalogType::TABLE_FUNCTION_ENTRY ||
		                   type == CatalogType::TYPE_ENTRY;
		auto found = std::find_if(search_schemas.begin(), search_schemas.end(),
		                          [&](const Identifier &schema) { return Has(schema, type, name.Name()); });
		if (found == search_schemas.end()) {
			found = search_schemas.begin();
			if (is_built_in) {
				return;
			}
		}
		if (found != search_schemas.end() && *found != DEFAULT_SCHEMA) {
			name = QualifiedName({*found}, name.Name());
		}
	}

	void AddDatabase(QualifiedName &name) {
		auto path = name.Path();
		if (path.size() < 2 || !catalog.ServerHasDatabase(path.front())) {
			return;
		}
		// The parser names DuckDB's own functions with their database, as in system.main.to_months
		if (path.size() > 2 && !(snapshot && snapshot->FindSchema({path.front()}))) {
			return;
		}
		if (path.size() == 2) {
			qualified.insert({StringUtil::Lower(path[0].GetIdentifierName()),
			                  StringUtil::Lower(path[1].GetIdentifierName())});
		}
		path.insert(path.begin(), catalog.ServerDatabase());
		name = QualifiedName::FromPath(std::move(path));
	}

	ClientContext &context;
	RemoteCatalog &catalog;
	shared_ptr<RemoteSnapshot> snapshot;
	vector<Identifier> search_schemas;
	Identifier default_schema;
	//! Schema and name of what was given its database, in lower case
	std::set<std::pair<string, string>> qualified;
};

//! Columns that are named with schema and table follow their tables.
class ServerColumns : public StatementNames {
public:
	ServerColumns(const ServerNames &names, RemoteCatalog &catalog) : names(names), catalog(catalog) {
	}

protected:
	void VisitName(CatalogType, QualifiedName &) override {
	}

	void VisitColumn(ColumnRefExpression &column) override {
		auto &path = column.ColumnNamesMutable();
		if (path.size() >= 3 && names.IsQualified(path[0], path[1])) {
			path.insert(path.begin(), catalog.ServerDatabase());
		}
	}

private:
	const ServerNames &names;
	RemoteCatalog &catalog;
};

} // namespace

template <class PARSED>
static void Rename(ClientContext &context, RemoteCatalog &catalog, PARSED &parsed) {
	ServerNames names(context, catalog);
	names.Walk(parsed);
	if (names.HasQualified()) {
		ServerColumns(names, catalog).Walk(parsed);
	}
}

void NameForServer(ClientContext &context, RemoteCatalog &catalog, QueryNode &node) {
	Rename(context, catalog, node);
}

void NameForServer(ClientContext &context, RemoteCatalog &catalog, SQLStatement &statement) {
	if (statement.type == StatementType::CREATE_STATEMENT) {
		CatalogOut(catalog).Strip(*statement.Cast<CreateStatement>().info);
	} else if (statement.type == StatementType::ALTER_STATEMENT) {
		CatalogOut(catalog).Strip(*statement.Cast<AlterStatement>().info);
	}
	Rename(context, catalog, statement);
}

void NameForServer(ClientContext &context, RemoteCatalog &catalog, CreateInfo &info) {
	RemotePushdownOptimizer::StripCatalogName(info, catalog.GetName());
	CatalogOut(catalog).Strip(info);
	Rename(context, catalog, info);
}

void NameForServer(ClientContext &context, RemoteCatalog &catalog, AlterInfo &info) {
	info.GetQualifiedNameMutable().StripCatalog();
	CatalogOut(catalog).Strip(info);
	Rename(context, catalog, info);
}

void NameForServer(ClientContext &context, RemoteCatalog &catalog, DropInfo &info) {
	auto path = info.GetQualifiedName().Path();
	if (path.size() > 1 && path.front() == catalog.GetName()) {
		path.erase(path.begin());
		info.SetQualifiedName(QualifiedName::FromPath(std::move(path)));
	}
	Rename(context, catalog, info);
}

string ServerName(const SchemaCatalogEntry &schema, const Identifier &name) {
	auto &catalog = schema.catalog.Cast<RemoteCatalog>();
	auto path = schema.GetSchemaPath();
	if (catalog.ServerHasDatabase(path.front())) {
		path.insert(path.begin(), catalog.ServerDatabase());
	}
	vector<string> quoted;
	path.push_back(name);
	for (auto &part : path) {
		quoted.push_back(KeywordHelper::WriteQuoted(part.GetIdentifierName(), '"'));
	}
	return StringUtil::Join(quoted, ".");
}

} // namespace duckherder
