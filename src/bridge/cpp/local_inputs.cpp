// Rows of the client that a statement of a server needs.

#include "local_inputs.hpp"

#include "catalog.hpp"
#include "parsed_visitor.hpp"

#include "duckdb/catalog/entry_lookup_info.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/expression/star_expression.hpp"
#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/query_node/delete_query_node.hpp"
#include "duckdb/parser/query_node/insert_query_node.hpp"
#include "duckdb/parser/query_node/merge_query_node.hpp"
#include "duckdb/parser/query_node/recursive_cte_node.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/query_node/set_operation_node.hpp"
#include "duckdb/parser/query_node/update_query_node.hpp"
#include "duckdb/parser/statement/execute_statement.hpp"
#include "duckdb/parser/statement/explain_statement.hpp"
#include "duckdb/parser/statement/insert_statement.hpp"
#include "duckdb/parser/statement/merge_into_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/parser/tableref/expressionlistref.hpp"
#include "duckdb/parser/tableref/joinref.hpp"
#include "duckdb/parser/tableref/pivotref.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/main/prepared_statement_data.hpp"
#include "duckdb/planner/binder.hpp"

using namespace duckdb;

namespace duckherder {

static constexpr const char *INPUT_FUNCTION_NAME = "duckherder_input";

LocalInput::LocalInput(string name_p, unique_ptr<SelectStatement> query_p)
    : name(std::move(name_p)), query(std::move(query_p)) {
}

bool IsLocalInput(const TableRef &ref) {
	if (ref.type != TableReferenceType::TABLE_FUNCTION) {
		return false;
	}
	auto &call = ref.Cast<TableFunctionRef>();
	return call.bind_info && call.function->Cast<FunctionExpression>().FunctionName() == INPUT_FUNCTION_NAME;
}

static unique_ptr<SelectNode> SelectAll(unique_ptr<TableRef> from) {
	auto node = make_uniq<SelectNode>();
	node->select_list.push_back(make_uniq<StarExpression>());
	node->from_table = std::move(from);
	return node;
}

static unique_ptr<SelectStatement> AsStatement(unique_ptr<QueryNode> node) {
	auto statement = make_uniq<SelectStatement>();
	statement->node = std::move(node);
	return statement;
}

namespace {

class Extractor {
public:
	Extractor(ClientContext &context_p, RemoteCatalog &target_p)
	    : context(context_p), target(target_p), names(Binder::CreateBinder(context)) {
	}

	void Visit(QueryNode &node);

	//! Full names of tables that are known by their last part alone now
	vector<vector<Identifier>> shortened;

private:
	using Expression = unique_ptr<ParsedExpression>;

	void VisitNode(QueryNode &node);
	//! A query that may become an input as a whole.
	void VisitQuery(unique_ptr<QueryNode> &node);
	void VisitTable(unique_ptr<TableRef> &ref);
	void VisitBaseTable(unique_ptr<TableRef> &ref);
	void VisitExpression(Expression &expression);
	void VisitExpressions(vector<Expression> &expressions);
	void VisitModifiers(QueryNode &node);
	void VisitSet(UpdateSetInfo *set);

	bool IsOfTarget(const BaseTableRef &ref);
	bool IsCte(const BaseTableRef &ref) const;
	//! Something in the query cannot be answered by the server.
	bool NeedsClient(QueryNode &node);
	//! The query can be answered by the client, for itself.
	bool StandsAlone(QueryNode &node);

	unique_ptr<TableRef> MakeInput(unique_ptr<QueryNode> query);
	void ReplaceTable(unique_ptr<TableRef> &ref, Identifier alias);

	ClientContext &context;
	RemoteCatalog &target;
	//! Resolves the names of tables
	shared_ptr<Binder> names;
	idx_t count = 0;
	//! Names of the CTEs that can be seen from here
	vector<Identifier> ctes;
};

} // namespace

bool Extractor::IsCte(const BaseTableRef &ref) const {
	return ref.GetQualifiedName().Path().size() <= 1 &&
	       std::find(ctes.begin(), ctes.end(), ref.Table()) != ctes.end();
}

bool Extractor::IsOfTarget(const BaseTableRef &ref) {
	EntryLookupInfo lookup(CatalogType::TABLE_ENTRY, names->BindTableName(ref.GetQualifiedName()));
	auto entry = Catalog::GetEntry(context, lookup, OnEntryNotFound::RETURN_NULL);
	return entry && &entry->ParentCatalog() == &target;
}

bool Extractor::NeedsClient(QueryNode &node) {
	bool result = false;
	VisitAll(
	    node,
	    [&](TableRef &ref) {
		    result = result || (ref.type == TableReferenceType::BASE_TABLE ? !IsOfTarget(ref.Cast<BaseTableRef>())
		                                                                   : !target.SupportsPushdown(ref));
	    },
	    [&](unique_ptr<ParsedExpression> &expression) { result = result || !target.SupportsPushdown(*expression); });
	return result;
}

bool Extractor::StandsAlone(QueryNode &node) {
	bool uses_cte = false;
	VisitAll(
	    node,
	    [&](TableRef &ref) {
		    uses_cte = uses_cte || (ref.type == TableReferenceType::BASE_TABLE && IsCte(ref.Cast<BaseTableRef>()));
	    },
	    [](unique_ptr<ParsedExpression> &) {});
	if (uses_cte) {
		return false;
	}
	try {
		// What binds without the statement around it does not refer to it: inner names come first
		auto copy = node.Copy();
		auto binder = Binder::CreateBinder(context);
		binder->Bind(*copy);
		auto &properties = binder->GetStatementProperties();
		return properties.read_databases.count(target.GetName()) == 0 && properties.modified_databases.empty();
	} catch (const Exception &) {
		return false;
	}
}

unique_ptr<TableRef> Extractor::MakeInput(unique_ptr<QueryNode> query) {
	auto input = make_shared_ptr<LocalInput>(INPUT_FUNCTION_NAME + ("_" + to_string(++count)),
	                                         AsStatement(std::move(query)));
	auto call = make_uniq<TableFunctionRef>();
	call->function = make_uniq<FunctionExpression>(Identifier(INPUT_FUNCTION_NAME), vector<unique_ptr<ParsedExpression>>());
	call->bind_info = std::move(input);
	// Inside a subquery, so that it can be found and replaced without knowing what is around it
	return make_uniq<SubqueryRef>(AsStatement(SelectAll(std::move(call))), Identifier(INPUT_FUNCTION_NAME));
}

void Extractor::ReplaceTable(unique_ptr<TableRef> &ref, Identifier alias) {
	auto replacement = MakeInput(SelectAll(std::move(ref)));
	replacement->alias = std::move(alias);
	ref = std::move(replacement);
}

void Extractor::VisitBaseTable(unique_ptr<TableRef> &ref) {
	auto &table = ref->Cast<BaseTableRef>();
	if (IsCte(table) || IsOfTarget(table)) {
		return;
	}
	auto alias = table.alias;
	if (alias.empty()) {
		alias = table.Table();
		if (table.GetQualifiedName().Path().size() > 1) {
			auto &path = table.GetQualifiedName().Path();
			shortened.emplace_back(path.begin(), path.end());
		}
	}
	ReplaceTable(ref, std::move(alias));
}

void Extractor::VisitTable(unique_ptr<TableRef> &ref) {
	switch (ref->type) {
	case TableReferenceType::BASE_TABLE:
		VisitBaseTable(ref);
		break;
	case TableReferenceType::JOIN: {
		auto &join = ref->Cast<JoinRef>();
		VisitTable(join.left);
		VisitTable(join.right);
		VisitExpression(join.condition);
		break;
	}
	case TableReferenceType::SUBQUERY:
		VisitQuery(ref->Cast<SubqueryRef>().subquery->node);
		break;
	case TableReferenceType::EXPRESSION_LIST:
		for (auto &row : ref->Cast<ExpressionListRef>().values) {
			VisitExpressions(row);
		}
		break;
	case TableReferenceType::PIVOT:
		VisitTable(ref->Cast<PivotRef>().source);
		break;
	case TableReferenceType::TABLE_FUNCTION: {
		auto &function = ref->Cast<TableFunctionRef>().function;
		if (target.SupportsPushdown(*ref)) {
			VisitExpression(function);
		} else {
			ReplaceTable(ref, ref->alias.empty() ? function->Cast<FunctionExpression>().FunctionName() : ref->alias);
		}
		break;
	}
	case TableReferenceType::COLUMN_DATA:
		ReplaceTable(ref, ref->alias);
		break;
	default:
		break;
	}
}

void Extractor::VisitExpression(Expression &expression) {
	if (!expression) {
		return;
	}
	if (expression->GetExpressionClass() == ExpressionClass::SUBQUERY) {
		VisitQuery(expression->Cast<SubqueryExpression>().SubqueryMutable()->node);
	}
	ParsedExpressionIterator::EnumerateChildren(*expression, [&](Expression &child) { VisitExpression(child); });
}

void Extractor::VisitExpressions(vector<Expression> &expressions) {
	for (auto &expression : expressions) {
		VisitExpression(expression);
	}
}

void Extractor::VisitModifiers(QueryNode &node) {
	ParsedExpressionIterator::EnumerateQueryNodeModifiers(node, [&](Expression &child) { VisitExpression(child); });
}

void Extractor::VisitSet(UpdateSetInfo *set) {
	if (set) {
		VisitExpressions(set->expressions);
		VisitExpression(set->condition);
	}
}

void Extractor::VisitQuery(unique_ptr<QueryNode> &node) {
	switch (node->type) {
	case QueryNodeType::SELECT_NODE:
	case QueryNodeType::SET_OPERATION_NODE:
	case QueryNodeType::RECURSIVE_CTE_NODE:
		if (NeedsClient(*node) && StandsAlone(*node)) {
			node = SelectAll(MakeInput(std::move(node)));
			return;
		}
		break;
	default:
		break;
	}
	Visit(*node);
}

void Extractor::Visit(QueryNode &node) {
	auto outer = ctes.size();
	for (auto &entry : node.cte_map.map) {
		if (entry.second->query_node) {
			VisitQuery(entry.second->query_node);
		}
		ctes.push_back(entry.first);
	}
	VisitNode(node);
	VisitModifiers(node);
	ctes.resize(outer);
}

void Extractor::VisitNode(QueryNode &node) {
	switch (node.type) {
	case QueryNodeType::SELECT_NODE: {
		auto &select = node.Cast<SelectNode>();
		if (select.from_table) {
			VisitTable(select.from_table);
		}
		VisitExpressions(select.select_list);
		VisitExpression(select.where_clause);
		VisitExpressions(select.groups.group_expressions);
		VisitExpression(select.having);
		VisitExpression(select.qualify);
		break;
	}
	case QueryNodeType::SET_OPERATION_NODE:
		for (auto &child : node.Cast<SetOperationNode>().children) {
			VisitQuery(child);
		}
		break;
	case QueryNodeType::RECURSIVE_CTE_NODE: {
		auto &recursive = node.Cast<RecursiveCTENode>();
		VisitQuery(recursive.left);
		ctes.push_back(recursive.ctename);
		VisitQuery(recursive.right);
		ctes.pop_back();
		break;
	}
	case QueryNodeType::INSERT_QUERY_NODE: {
		auto &insert = node.Cast<InsertQueryNode>();
		if (insert.select_statement) {
			VisitQuery(insert.select_statement->node);
		}
		if (insert.on_conflict_info) {
			VisitSet(insert.on_conflict_info->set_info.get());
			VisitExpression(insert.on_conflict_info->condition);
		}
		VisitExpressions(insert.returning_list);
		break;
	}
	case QueryNodeType::UPDATE_QUERY_NODE: {
		auto &update = node.Cast<UpdateQueryNode>();
		if (update.from_table) {
			VisitTable(update.from_table);
		}
		VisitSet(update.set_info.get());
		VisitExpressions(update.returning_list);
		break;
	}
	case QueryNodeType::DELETE_QUERY_NODE: {
		auto &del = node.Cast<DeleteQueryNode>();
		for (auto &table : del.using_clauses) {
			VisitTable(table);
		}
		VisitExpression(del.condition);
		VisitExpressions(del.returning_list);
		break;
	}
	case QueryNodeType::MERGE_QUERY_NODE: {
		auto &merge = node.Cast<MergeQueryNode>();
		VisitTable(merge.source);
		VisitExpression(merge.join_condition);
		for (auto &entry : merge.actions) {
			for (auto &action : entry.second) {
				VisitExpression(action->condition);
				VisitSet(action->update_info.get());
				VisitExpressions(action->expressions);
			}
		}
		VisitExpressions(merge.returning_list);
		break;
	}
	default:
		break;
	}
}

//! `db.schema.t.column` is `t.column` where `t` has become an alias.
static void ShortenColumnNames(QueryNode &node, const vector<vector<Identifier>> &shortened) {
	if (shortened.empty()) {
		return;
	}
	VisitAll(
	    node, [](TableRef &) {},
	    [&](unique_ptr<ParsedExpression> &expression) {
		    if (expression->GetExpressionClass() != ExpressionClass::COLUMN_REF) {
			    return;
		    }
		    auto &names = expression->Cast<ColumnRefExpression>().ColumnNamesMutable();
		    for (auto &path : shortened) {
			    if (names.size() > path.size() && std::equal(path.begin(), path.end(), names.begin())) {
				    names.erase(names.begin(), names.begin() + path.size() - 1);
				    return;
			    }
		    }
	    });
}

//! DuckDB's own macros that read tables, or have no arguments, are not pushed (builtin_macros.cpp). Here nothing else is possible:
//! say that the server's are meant. Where something else needs this client, that is what the user has to hear of.
static void UseMacrosOfServer(ClientContext &context, RemoteCatalog &target, QueryNode &node) {
	vector<reference<FunctionExpression>> macros;
	bool is_possible = true;
	VisitAll(
	    node, [](TableRef &) {},
	    [&](unique_ptr<ParsedExpression> &expression) {
		    auto is_function = expression->GetExpressionClass() == ExpressionClass::FUNCTION;
		    if (is_function && expression->Cast<FunctionExpression>().FunctionName() == INPUT_FUNCTION_NAME) {
			    return;
		    }
		    is_possible = is_possible && target.SupportsPushdown(*expression);
		    if (!is_function) {
			    return;
		    }
		    auto &function = expression->Cast<FunctionExpression>();
		    EntryLookupInfo lookup(CatalogType::SCALAR_FUNCTION_ENTRY, function.GetQualifiedName());
		    auto entry = Catalog::GetEntry(context, lookup, OnEntryNotFound::RETURN_NULL);
		    if (entry && entry->type == CatalogType::MACRO_ENTRY && entry->ParentCatalog().IsSystemCatalog()) {
			    macros.push_back(function);
		    }
	    });
	if (is_possible) {
		for (auto &macro : macros) {
			auto &function = macro.get();
			function.SetQualifiedName(QualifiedName({target.GetName()}, function.FunctionName()));
		}
	}
}

static optional_ptr<QueryNode> ChangeOf(ClientContext &context, SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::EXPLAIN_STATEMENT:
		return ChangeOf(context, *statement.Cast<ExplainStatement>().stmt);
	case StatementType::EXECUTE_STATEMENT: {
		// What was prepared is bound anew for each execution
		auto &prepared = ClientData::Get(context).prepared_statements;
		auto entry = prepared.find(statement.Cast<ExecuteStatement>().name);
		return entry == prepared.end() ? nullptr : ChangeOf(context, *entry->second->unbound_statement);
	}
	default:
		return NodeOf(statement);
	}
}

void ExtractLocalInputs(ClientContext &context, RemoteCatalog &target, SQLStatement &statement) {
	auto node = ChangeOf(context, statement);
	if (!node) {
		return;
	}
	Extractor extractor(context, target);
	extractor.Visit(*node);
	ShortenColumnNames(*node, extractor.shortened);
	UseMacrosOfServer(context, target, *node);
}

vector<shared_ptr<LocalInput>> TakeLocalInputs(QueryNode &node) {
	vector<shared_ptr<LocalInput>> inputs;
	VisitAll(
	    node,
	    [&](TableRef &ref) {
		    if (ref.type != TableReferenceType::SUBQUERY) {
			    return;
		    }
		    auto &query = *ref.Cast<SubqueryRef>().subquery->node;
		    if (query.type != QueryNodeType::SELECT_NODE) {
			    return;
		    }
		    auto &from = query.Cast<SelectNode>().from_table;
		    if (!from || !IsLocalInput(*from)) {
			    return;
		    }
		    auto input = shared_ptr_cast<TableFunctionInfo, LocalInput>(from->Cast<TableFunctionRef>().bind_info);
		    auto table = make_uniq<BaseTableRef>();
		    table->SetTable(Identifier(input->name));
		    from = std::move(table);
		    inputs.push_back(std::move(input));
	    },
	    [](unique_ptr<ParsedExpression> &) {});
	return inputs;
}

static unique_ptr<TableRef> ReplaceByQuery(ClientContext &, TableFunctionBindInput &input) {
	if (!input.ref.bind_info) {
		throw BinderException("%s cannot be called by name", INPUT_FUNCTION_NAME);
	}
	auto &query = *input.ref.bind_info->Cast<LocalInput>().query;
	return make_uniq<SubqueryRef>(unique_ptr_cast<SQLStatement, SelectStatement>(query.Copy()));
}

TableFunction InputFunction() {
	TableFunction function(INPUT_FUNCTION_NAME, {}, nullptr, nullptr);
	function.bind_replace = ReplaceByQuery;
	// What DuckDB's pushdown takes for independent of catalogs, and leaves to `SupportsPushdown`
	function.return_type = TableFunctionReturnType::SET_RETURNING_FUNCTION;
	return function;
}

} // namespace duckherder
