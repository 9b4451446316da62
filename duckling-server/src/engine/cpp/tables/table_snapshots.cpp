// The list is written at COMMIT (see table_transactions.cpp), when it is known which snapshot comes first.

#include "table_snapshots.hpp"

#include "distributed_table.hpp"
#include "table_transactions.hpp"

#include "duckdb/common/exception/binder_exception.hpp"
#include "duckdb/common/limits.hpp"
#include "duckdb/common/string_util.hpp"

#include <algorithm>
#include <map>

using namespace duckdb;

namespace duckling {

namespace {

enum Column : idx_t { TABLE_ID, VERSION, COMMITTED_AT, CHANGE };

//! After all versions
constexpr int64_t NOT_COMMITTED = NumericLimits<int64_t>::Maximum();

//! Tells which versions of a table have a file.
class Versions {
public:
	Versions(ClientContext &context, TableCatalogEntry &table, const std::vector<Snapshot> &snapshots)
	    : own_change(TableTransactions::Get(table.catalog).ChangeOf(context)) {
		for (auto &snapshot : snapshots) {
			versions[snapshot.change] = snapshot.version;
		}
	}

	int64_t AddedIn(const TableFile &file) const {
		return VersionOf(file.added_by);
	}
	//! The first version that does not have it any more
	int64_t RemovedIn(const TableFile &file) const {
		return file.removed_by.empty() ? NOT_COMMITTED : VersionOf(file.removed_by);
	}

private:
	int64_t VersionOf(const string &change) const {
		if (change == own_change) {
			return NOT_COMMITTED;
		}
		auto found = versions.find(change);
		return found == versions.end() ? 0 : found->second;
	}

	string own_change;
	std::map<string, int64_t> versions;
};

Snapshot SnapshotOf(const vector<Value> &row, row_t id) {
	Snapshot result;
	result.version = BigIntValue::Get(row[VERSION]);
	result.committed_at = TimestampValue::Get(row[COMMITTED_AT]);
	result.change = StringValue::Get(row[CHANGE]);
	result.list_row = id;
	return result;
}

bool IsOlder(const Snapshot &a, const Snapshot &b) {
	return a.version < b.version;
}

std::vector<Snapshot> ScanSnapshots(ClientContext &context, Catalog &catalog, const string &table_id) {
	std::vector<Snapshot> result;
	ListTable(context, catalog, SnapshotsList()).Scan(table_id, [&](const vector<Value> &row, row_t id) {
		result.push_back(SnapshotOf(row, id));
	});
	std::sort(result.begin(), result.end(), IsOlder);
	return result;
}

std::vector<TableFile> AllFiles(ClientContext &context, TableCatalogEntry &table) {
	auto result = ListFiles(context, table);
	auto former = ListFormerFiles(context, table.catalog, TableId(table));
	result.insert(result.end(), former.begin(), former.end());
	return result;
}

Value AtValue(ClientContext &context, const BoundAtClause &at, const LogicalType &type) {
	string reason;
	auto result = at.GetValue().TryCastAs(context, type, &reason);
	if (!result || result->IsNull()) {
		throw BinderException("AT (%s => %s): this is no %s", at.Unit().GetIdentifierName(), at.GetValue().ToString(),
		                      type.ToString());
	}
	return *result;
}

const Snapshot &FindSnapshot(ClientContext &context, TableCatalogEntry &table, const BoundAtClause &at,
                             const std::vector<Snapshot> &snapshots) {
	auto name = table.name.GetIdentifierName();
	auto &unit = at.Unit().GetIdentifierName();
	if (StringUtil::CIEquals(unit, "version")) {
		auto version = BigIntValue::Get(AtValue(context, at, LogicalType::BIGINT));
		for (auto &snapshot : snapshots) {
			if (snapshot.version == version) {
				return snapshot;
			}
		}
		throw InvalidInputException("Table \"%s\" has no version %d: duckherder_snapshots('%s') tells which are kept", name,
		                            version, name);
	}
	if (StringUtil::CIEquals(unit, "timestamp")) {
		auto time = TimestampValue::Get(AtValue(context, at, LogicalType::TIMESTAMP_TZ));
		for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
			if (snapshot->committed_at <= time) {
				return *snapshot;
			}
		}
		throw InvalidInputException("Table \"%s\" has no snapshot that is as old as %s: duckherder_snapshots('%s') tells which are "
		                            "kept",
		                            name, Value::TIMESTAMPTZ(timestamp_tz_t(time)).ToString(), name);
	}
	throw BinderException("AT (%s => …) is not known: a table has a VERSION and a TIMESTAMP", unit);
}

} // namespace

ListDefinition SnapshotsList() {
	return {"snapshots",
	        {{"table_id", LogicalType::VARCHAR},
	         {"version", LogicalType::BIGINT},
	         {"committed_at", LogicalType::TIMESTAMP_TZ},
	         {"change", LogicalType::VARCHAR}}};
}

vector<Value> SnapshotRow(const string &table_id, int64_t version, timestamp_t committed_at, const string &change) {
	return {Value(table_id), Value::BIGINT(version), Value::TIMESTAMPTZ(timestamp_tz_t(committed_at)), Value(change)};
}

std::vector<Snapshot> ListSnapshots(ClientContext &context, TableCatalogEntry &table) {
	auto result = ScanSnapshots(context, table.catalog, TableId(table));
	Versions versions(context, table, result);
	auto files = AllFiles(context, table);
	// By the version that adds and removes them
	std::multimap<int64_t, const TableFile *> added, removed;
	for (auto &file : files) {
		added.emplace(versions.AddedIn(file), &file);
		removed.emplace(versions.RemovedIn(file), &file);
	}
	Snapshot total;
	auto next_added = added.begin();
	auto next_removed = removed.begin();
	for (auto &snapshot : result) {
		for (; next_added != added.end() && next_added->first <= snapshot.version; ++next_added) {
			total.file_count++;
			total.row_count += next_added->second->row_count;
			total.file_size_bytes += next_added->second->file_size_bytes;
		}
		for (; next_removed != removed.end() && next_removed->first <= snapshot.version; ++next_removed) {
			total.file_count--;
			total.row_count -= next_removed->second->row_count;
			total.file_size_bytes -= next_removed->second->file_size_bytes;
		}
		snapshot.file_count = total.file_count;
		snapshot.row_count = total.row_count;
		snapshot.file_size_bytes = total.file_size_bytes;
	}
	return result;
}

int64_t LastVersion(ClientContext &context, Catalog &catalog, const string &table_id) {
	auto snapshots = ScanSnapshots(context, catalog, table_id);
	return snapshots.empty() ? 0 : snapshots.back().version;
}

std::vector<TableFile> FilesAt(ClientContext &context, TableCatalogEntry &table, const BoundAtClause &at) {
	auto snapshots = ScanSnapshots(context, table.catalog, TableId(table));
	auto version = FindSnapshot(context, table, at, snapshots).version;
	Versions versions(context, table, snapshots);
	std::vector<TableFile> result;
	for (auto &file : AllFiles(context, table)) {
		if (versions.AddedIn(file) <= version && versions.RemovedIn(file) > version) {
			result.push_back(file);
		}
	}
	// Their names begin with the time
	std::sort(result.begin(), result.end(), [](const TableFile &a, const TableFile &b) { return a.path < b.path; });
	return result;
}

void ForgetSnapshots(ClientContext &context, Catalog &catalog, const string &table_id) {
	std::vector<row_t> rows;
	for (auto &snapshot : ScanSnapshots(context, catalog, table_id)) {
		rows.push_back(snapshot.list_row);
	}
	ListTable(context, catalog, SnapshotsList()).Remove(rows);
	ForgetFormerFiles(context, catalog, ListFormerFiles(context, catalog, table_id));
}

void ForgetSnapshotsBefore(ClientContext &context, Catalog &catalog, const std::set<string> &table_ids, timestamp_t limit) {
	std::map<string, std::vector<Snapshot>> snapshots;
	ListTable list(context, catalog, SnapshotsList());
	list.Scan([&](const vector<Value> &row, row_t id) { snapshots[StringValue::Get(row[TABLE_ID])].push_back(SnapshotOf(row, id)); });
	std::vector<row_t> forgotten;
	//! By whom files of the snapshots that are kept were removed
	std::map<string, std::set<string>> kept_changes;
	for (auto &table_id : table_ids) {
		auto &of_table = snapshots[table_id];
		std::sort(of_table.begin(), of_table.end(), IsOlder);
		// It was the present at the limit, and the one before it was not
		auto first_kept = std::find_if(of_table.rbegin(), of_table.rend(),
		                               [&](const Snapshot &snapshot) { return snapshot.committed_at < limit; });
		if (first_kept == of_table.rend() || first_kept->version == of_table.front().version) {
			continue;
		}
		auto &kept = kept_changes[table_id];
		for (auto &snapshot : of_table) {
			if (snapshot.version < first_kept->version) {
				forgotten.push_back(snapshot.list_row);
			} else if (snapshot.version > first_kept->version) {
				kept.insert(snapshot.change);
			}
		}
	}
	list.Remove(forgotten);
	for (auto &table : kept_changes) {
		std::vector<TableFile> files;
		for (auto &file : ListFormerFiles(context, catalog, table.first)) {
			if (!table.second.count(file.removed_by)) {
				files.push_back(file);
			}
		}
		ForgetFormerFiles(context, catalog, files);
	}
}

} // namespace duckling
