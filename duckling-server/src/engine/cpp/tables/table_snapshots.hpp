// What distributed tables were before: the snapshots that commits have made.
//
// Each transaction that lists files of a table, or takes some off the list, is a change with an id, which the files have. Its COMMIT
// gives the table a snapshot: a version, which counts the table's snapshots, and a time. A file belongs to the snapshots from the one
// that has added it to the one before that which has removed it.
#pragma once

#include "list_table.hpp"
#include "table_files.hpp"

#include "duckdb/common/types/timestamp.hpp"
#include "duckdb/planner/tableref/bound_at_clause.hpp"

#include <set>
#include <string>
#include <vector>

namespace duckling {

struct Snapshot {
	//! From 1 on; changes that are older than all snapshots that are kept have version 0
	int64_t version;
	duckdb::timestamp_t committed_at;
	//! Id of the change
	std::string change;
	//! What the table had
	duckdb::idx_t file_count = 0, row_count = 0, file_size_bytes = 0;
	//! Of its row in the list, for as long as the transaction
	duckdb::row_t list_row = 0;
};

ListDefinition SnapshotsList();
//! The row of a new snapshot in the list.
duckdb::vector<duckdb::Value> SnapshotRow(const std::string &table_id, int64_t version, duckdb::timestamp_t committed_at,
                                          const std::string &change);

//! The snapshots of a table that are kept, by version, as the transaction of `context` sees them.
std::vector<Snapshot> ListSnapshots(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table);
//! The version of the last one, or 0.
int64_t LastVersion(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id);
//! The files that a table had in the snapshot that `at` names, in the order in which they were made. Throws if it is not kept.
std::vector<TableFile> FilesAt(duckdb::ClientContext &context, duckdb::TableCatalogEntry &table,
                               const duckdb::BoundAtClause &at);

//! Keep no snapshot of a table, in the transaction of `context`.
void ForgetSnapshots(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::string &table_id);
//! Of the tables of these ids, keep no snapshot that was replaced before `limit`, in the transaction of `context`.
void ForgetSnapshotsBefore(duckdb::ClientContext &context, duckdb::Catalog &catalog, const std::set<std::string> &table_ids,
                           duckdb::timestamp_t limit);

} // namespace duckling
