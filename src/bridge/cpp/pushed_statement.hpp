// Parameters of prepared statements in what is pushed down.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/common/identifier.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "duckdb/function/table_function.hpp"
#include "duckdb/parser/query_node.hpp"

namespace duckherder {

//! A pushed statement whose parameters have no values yet. It travels beside the call that runs it, which has one
//! argument per parameter: DuckDB binds the call anew for each execution, with the values.
struct ParameterizedNode : public duckdb::TableFunctionInfo {
	explicit ParameterizedNode(duckdb::unique_ptr<duckdb::QueryNode> node);

	//! The statement with `values` in the places of its parameters, which are in the order of `names`.
	std::string ToSql(const duckdb::vector<duckdb::Value> &values) const;

	duckdb::unique_ptr<duckdb::QueryNode> node;
	//! Each parameter once
	duckdb::vector<duckdb::Identifier> names;
};

//! DuckDB counts a statement's parameters after it was replaced by the call that runs it, and finds none. Each client
//! connection has one of these to put the count right before the values are checked against it.
class ParameterCount : public duckdb::ClientContextState {
public:
	static ParameterCount &Of(duckdb::ClientContext &context);

	//! A statement with that many parameters was bound.
	void Set(duckdb::idx_t count);

	void QueryBegin(duckdb::ClientContext &context) override;
	bool CanRequestRebind() override {
		return true;
	}
	duckdb::RebindQueryInfo OnFinalizePrepare(duckdb::ClientContext &context, duckdb::PreparedStatementData &prepared,
	                                          duckdb::PreparedStatementMode mode) override;

private:
	duckdb::idx_t count = 0;
};

//! Gives every connection of a database its ParameterCount, those that are open already included.
void RegisterParameterCount(duckdb::DatabaseInstance &database);

} // namespace duckherder
