// What the user of a statement is told beside its result.
#pragma once

#include "duckdb/main/client_context.hpp"

#include <string>

namespace duckling {

//! Tell the user of the statement that `context` binds.
void AddNotice(duckdb::ClientContext &context, const std::string &text);

} // namespace duckling
