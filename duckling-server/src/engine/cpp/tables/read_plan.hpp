// Plans that read distributed tables.
#pragma once

#include "duckdb/main/config.hpp"

namespace duckling {

//! Have scans of distributed tables read their files, in all plans of the instance.
void RegisterReadPlans(duckdb::DBConfig &config);

} // namespace duckling
