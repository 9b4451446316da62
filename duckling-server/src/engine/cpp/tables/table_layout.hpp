// How the rows of a distributed table are divided among files, and ordered in them: PARTITIONED BY, SORTED BY.
#pragma once

#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/planner/bound_query_node.hpp"

namespace duckling {

//! What the names of no columns begin with
constexpr const char *PARTITION_PREFIX = "__duckherder_partition_";

//! All rows of a file have the same value of it.
struct PartitionKey {
	duckdb::PhysicalIndex column;
	//! Of `bucket(count, column)`; a column itself has none
	duckdb::optional_idx bucket_count;
};

struct TableLayout {
	std::vector<PartitionKey> partition_keys;
	//! Rows of a file ascend by them
	std::vector<duckdb::PhysicalIndex> sort_keys;

	//! Rows lie in files as they come.
	bool IsPlain() const;
	bool HasColumn(duckdb::PhysicalIndex column) const;
};

//! Turn the clauses of a statement into tags of the entry to be, and refuse what no file can be divided by.
void TakeLayout(duckdb::CreateTableInfo &info);
//! What these tags of a table with these columns say.
TableLayout LayoutOf(const duckdb::InsertionOrderPreservingMap<std::string> &tags, const duckdb::ColumnList &columns);

//! The value of a key in rows in which its column has `value`.
duckdb::unique_ptr<duckdb::Expression> PartitionValue(duckdb::ClientContext &context, const PartitionKey &key,
                                                      duckdb::unique_ptr<duckdb::Expression> value);

//! Have an instance know what buckets are made by.
void RegisterLayout(duckdb::DatabaseInstance &instance);

} // namespace duckling
