// Statements about registered names, as statements about the tables themselves.

#include "catalog.hpp"
#include "registered_tables.hpp"
#include "statement_names.hpp"

#include "duckdb/catalog/catalog_search_path.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/parser/constraints/foreign_key_constraint.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/query_node/insert_query_node.hpp"
#include "duckdb/parser/statement/create_statement.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

class StoredNames : public StatementNames {
public:
	StoredNames(ClientContext &context, RemoteCatalog &catalog) : context(context), catalog(catalog) {
		for (auto &entry : ClientData::Get(context).catalog_search_path->Get()) {
			if (entry.GetCatalog() == catalog.GetName()) {
				search_schemas.push_back(entry.GetSchema());
			}
		}
		// The catalog was taken out of names, so those of its default schema stand alone
		search_schemas.emplace_back(DEFAULT_SCHEMA);
	}

	//! What a CREATE names besides in expressions and queries.
	void RenameReferences(CreateInfo &info) {
		if (info.type == CatalogType::INDEX_ENTRY) {
			auto &index = info.Cast<CreateIndexInfo>();
			auto table = index.GetQualifiedName().WithName(index.table);
			if (Rename(table)) {
				RenameColumns(index.expressions, index.table, table.Name());
				RenameColumns(index.parsed_expressions, index.table, table.Name());
				index.table = table.Name();
				index.SetQualifiedName(table.WithName(index.GetIndexName()));
			}
		}
		if (info.type != CatalogType::TABLE_ENTRY) {
			return;
		}
		for (auto &constraint : info.Cast<CreateTableInfo>().constraints) {
			if (constraint->type == ConstraintType::FOREIGN_KEY) {
				auto &key = constraint->Cast<ForeignKeyConstraint>().info;
				QualifiedName table(Identifier(), key.schema, key.table);
				if (Rename(table)) {
					key.schema = table.Schema();
					key.table = table.Name();
				}
			}
		}
	}

protected:
	void VisitName(CatalogType type, QualifiedName &name) override {
		if (type == CatalogType::TABLE_ENTRY || type == CatalogType::VIEW_ENTRY) {
			Rename(name);
		}
	}

	void VisitNewName(CatalogType type, QualifiedName &name) override {
		VisitName(type, name);
	}

	void VisitTable(BaseTableRef &table) override {
		auto written = table.Table();
		if (Rename(table.GetQualifiedNameMutable()) && table.alias.empty()) {
			// Columns are qualified with the name that the user knows
			table.alias = written;
		}
	}

	void VisitTarget(InsertQueryNode &insert) override {
		auto written = insert.qualified_name.Name();
		if (!Rename(insert.qualified_name)) {
			return;
		}
		if (!insert.table_ref) {
			insert.table_ref = make_uniq<BaseTableRef>();
		}
		insert.table_ref->Cast<BaseTableRef>().SetQualifiedName(insert.qualified_name);
		if (insert.table_ref->alias.empty()) {
			insert.table_ref->alias = written;
		}
	}

	void VisitColumn(ColumnRefExpression &column) override {
		auto &path = column.ColumnNamesMutable();
		if (path.size() >= 3 && catalog.Registered().Resolve(context, {path[0], path[1]})) {
			path.erase(path.begin());
		}
	}

private:
	//! The parser qualifies the columns of an index with its table, which can have no alias.
	static void RenameColumns(vector<unique_ptr<ParsedExpression>> &expressions, const Identifier &from,
	                          const Identifier &to) {
		for (auto &expression : expressions) {
			ParsedExpressionIterator::VisitExpressionMutable<ColumnRefExpression>(
			    *expression, [&](ColumnRefExpression &column) {
				    auto &path = column.ColumnNamesMutable();
				    if (path.size() == 2 && path[0] == from) {
					    path[0] = to;
				    }
			    });
		}
	}

	bool Rename(QualifiedName &name) {
		auto &path = name.Path();
		// What the binder leaves has its catalog still
		idx_t begin = path.size() > 2 && path.front() == catalog.GetName() ? 1 : 0;
		if (path.size() - begin > 2) {
			return false;
		}
		auto schemas = path.size() - begin == 2 ? vector<Identifier> {path[begin]} : search_schemas;
		for (auto &schema : schemas) {
			auto stored = catalog.Registered().Resolve(context, {schema, name.Name()});
			if (stored) {
				auto is_plain = stored->schema == DEFAULT_SCHEMA;
				name = is_plain ? QualifiedName(stored->name) : QualifiedName({stored->schema}, stored->name);
				return true;
			}
		}
		return false;
	}

	ClientContext &context;
	RemoteCatalog &catalog;
	vector<Identifier> search_schemas;
};

} // namespace

void NameStoredTables(ClientContext &context, RemoteCatalog &catalog, QueryNode &node) {
	if (catalog.Registered().Any()) {
		StoredNames(context, catalog).Walk(node);
	}
}

void NameStoredTables(ClientContext &context, RemoteCatalog &catalog, SQLStatement &statement) {
	if (statement.type == StatementType::CREATE_STATEMENT) {
		NameStoredTables(context, catalog, *statement.Cast<CreateStatement>().info);
	} else if (catalog.Registered().Any()) {
		StoredNames(context, catalog).Walk(statement);
	}
}

void NameStoredTables(ClientContext &context, RemoteCatalog &catalog, CreateInfo &info) {
	if (catalog.Registered().Any()) {
		StoredNames names(context, catalog);
		names.RenameReferences(info);
		names.Walk(info);
	}
}

void NameStoredTables(ClientContext &context, RemoteCatalog &catalog, AlterInfo &info) {
	if (catalog.Registered().Any()) {
		StoredNames(context, catalog).Walk(info);
	}
}

void NameStoredTables(ClientContext &context, RemoteCatalog &catalog, DropInfo &info) {
	if (catalog.Registered().Any()) {
		StoredNames(context, catalog).Walk(info);
	}
}

} // namespace duckherder
