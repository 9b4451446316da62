// The names of catalog objects in a parsed statement.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/parser/parsed_data/alter_info.hpp"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"

namespace duckdb {
class ColumnRefExpression;
class InsertQueryNode;
struct CreateMacroInfo;
struct CreateTableInfo;
class MergeIntoAction;
} // namespace duckdb

namespace duckherder {

//! Walks through a statement and hands out each name that stands for an object of a catalog, to be changed in place.
class StatementNames {
public:
	virtual ~StatementNames() = default;

	void Walk(duckdb::SQLStatement &statement);
	void Walk(duckdb::QueryNode &node);
	void Walk(duckdb::unique_ptr<duckdb::ParsedExpression> &expression);
	//! Without the name of what is created or altered itself
	void WalkBody(duckdb::CreateInfo &info);
	void WalkBody(duckdb::AlterInfo &info);
	void Walk(duckdb::CreateInfo &info);
	void Walk(duckdb::AlterInfo &info);
	void Walk(duckdb::DropInfo &info);

protected:
	//! A use of something that exists. Names of common table expressions are none.
	virtual void VisitName(duckdb::CatalogType type, duckdb::QualifiedName &name) = 0;
	//! The name of something that a statement creates
	virtual void VisitNewName(duckdb::CatalogType type, duckdb::QualifiedName &name) {
	}
	virtual void VisitColumn(duckdb::ColumnRefExpression &column) {
	}
	//! A table that is read or changed
	virtual void VisitTable(duckdb::BaseTableRef &table) {
		VisitName(duckdb::CatalogType::TABLE_ENTRY, table.GetQualifiedNameMutable());
	}
	//! Around each expression and each table, in the order of the walk. `kind` is the class of an expression, or the type of a
	//! table, as a negative number.
	virtual void Enter(int kind, duckdb::QueryLocation location) {
	}
	virtual void Leave() {
	}
	//! The table that an INSERT is about
	virtual void VisitTarget(duckdb::InsertQueryNode &insert);
	void Walk(duckdb::LogicalType &type);

private:
	using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>;

	void Walk(Expressions &expressions);
	//! The same for an expression that cannot be replaced.
	void WalkInPlace(duckdb::ParsedExpression &expression);
	void Walk(duckdb::unique_ptr<duckdb::TableRef> &ref);
	void Walk(duckdb::TableRef &ref);
	void WalkClauses(duckdb::QueryNode &node);
	void Walk(duckdb::CreateTableInfo &info);
	void Walk(duckdb::CreateMacroInfo &info);
	void WalkSequence(duckdb::unique_ptr<duckdb::ParsedExpression> &argument);

	//! Common table expressions in scope
	duckdb::identifier_map_t<duckdb::idx_t> ctes;
};

} // namespace duckherder
