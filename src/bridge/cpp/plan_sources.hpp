// What a plan reads from one attached server, and what it writes there.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/execution/physical_operator.hpp"

namespace duckherder {

struct PlanSources {
	static PlanSources Of(const duckdb::PhysicalOperator &plan, duckdb::Catalog &catalog);

	//! The plan is made from catalog entries. Pushed statements are not: the server binds them anew.
	bool RelyOnEntries() const {
		return scans > 0 || inserts > 0 || queries == 0;
	}
	//! More than one result is read, which must not differ in what they see.
	bool AreReadTogether() const {
		return scans + queries > 1 || is_repeated;
	}

	//! Pushed statements
	duckdb::idx_t queries = 0;
	duckdb::idx_t scans = 0;
	duckdb::idx_t inserts = 0;
	//! One of them may be read again and again
	bool is_repeated = false;

private:
	void Add(const duckdb::PhysicalOperator &op, duckdb::Catalog &catalog, bool repeats);
};

} // namespace duckherder
