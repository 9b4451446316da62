// How often a query reads a table.

#include "table_readers.hpp"

#include "duckdb/parser/common_table_expression_info.hpp"
#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Counts how often a statement reads tables of a name.
class Readers {
public:
	Readers(const Identifier &name_p, bool inlines_p) : name(name_p), inlines(inlines_p) {
	}

	void Visit(QueryNode &node) {
		ParsedExpressionIterator::EnumerateQueryNodeChildren(
		    node, [&](unique_ptr<ParsedExpression> &expression) { Visit(*expression); },
		    [&](TableRef &ref) {
			    if (ref.type == TableReferenceType::BASE_TABLE && ref.Cast<BaseTableRef>().Table() == name) {
				    count++;
			    }
		    });
		// DuckDB may put a CTE in the place of each of its readers
		for (auto &cte : node.cte_map.map) {
			auto &body = cte.second->query_node;
			auto is_inlined = body && cte.second->materialized != CTEMaterialize::CTE_MATERIALIZE_ALWAYS;
			if (!inlines || !is_inlined) {
				continue;
			}
			Readers of_cte(cte.first, false);
			of_cte.Visit(node);
			if (of_cte.count > 1) {
				Visit(*body);
			}
		}
	}

	void Visit(ParsedExpression &expression) {
		if (expression.GetExpressionClass() == ExpressionClass::SUBQUERY) {
			Visit(*expression.Cast<SubqueryExpression>().SubqueryMutable()->node);
		}
		ParsedExpressionIterator::EnumerateChildren(expression,
		                                            [&](unique_ptr<ParsedExpression> &child) { Visit(*child); });
	}

	idx_t count = 0;

private:
	const Identifier &name;
	//! Also counts what a CTE reads once more where DuckDB puts it in the place of its readers
	const bool inlines;
};

} // namespace

idx_t CountReaders(const Identifier &name, QueryNode &query) {
	Readers readers(name, true);
	readers.Visit(query);
	return readers.count;
}

} // namespace duckling
