// Values of any type as blobs.
#pragma once

#include "duckdb/main/database.hpp"

namespace duckling {

//! `duckherder_pack(value) → BLOB`
constexpr const char *PACK_FUNCTION = "duckherder_pack";
//! `duckherder_unpack(blob, NULL::type) → type`
constexpr const char *UNPACK_FUNCTION = "duckherder_unpack";

void RegisterPackedValues(duckdb::DatabaseInstance &instance);

} // namespace duckling
