// An operator that does nothing but say something in EXPLAIN.
#pragma once

#include "duckdb/planner/logical_operator.hpp"

#include <string>

namespace duckling {

//! `plan` with a note on top of it: why parts of it run on the driver, one per line.
duckdb::unique_ptr<duckdb::LogicalOperator> WithNote(duckdb::unique_ptr<duckdb::LogicalOperator> plan,
                                                     std::string reasons);

} // namespace duckling
