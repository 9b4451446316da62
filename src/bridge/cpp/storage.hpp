// `ATTACH … (TYPE duckherder)`: the storage extension.
#pragma once

#include "duckdb/storage/storage_extension.hpp"

namespace duckherder {

class Storage : public duckdb::StorageExtension {
public:
	Storage();
};

} // namespace duckherder
