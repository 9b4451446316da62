// The keys of a join's local side, sent to the server with the scan of its remote side.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/common/types/value_map.hpp"
#include "duckdb/optimizer/optimizer_extension.hpp"

namespace duckherder {

//! The distinct values that one side of a join has for a column of the other side. DuckDB finishes the one before it scans
//! the other.
class JoinKeys {
public:
	explicit JoinKeys(duckdb::LogicalType type);

	//! Whether the server can be sent values of that type.
	static bool Supports(const duckdb::LogicalType &type);

	//! The join begins, perhaps not for the first time.
	void Begin();
	void Add(const duckdb::Vector &values, duckdb::idx_t count);
	void Finish();

	//! A condition on rows of the other side, of which there are about `rows`. Empty if there are so many keys that sending
	//! them does not pay.
	std::string Condition(const std::string &column, duckdb::idx_t rows) const;

private:
	duckdb::LogicalType type;
	mutable duckdb::mutex lock;
	duckdb::value_set_t keys;
	duckdb::idx_t text_bytes = 0;
	duckdb::atomic<bool> too_many {false};
	bool complete = false;
};

//! Has joins filter the remote tables that they look up: by DuckDB's own means, and by their keys.
duckdb::OptimizerExtension RuntimeFiltersOfJoins();

} // namespace duckherder
