// The files of a scan, with what the list tells of them.
#pragma once

#include "table_files.hpp"
#include "table_layout.hpp"

#include "duckdb/common/multi_file/multi_file_list.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"

namespace duckling {

//! Of files with the same columns
struct FileColumns {
	std::vector<std::string> names;
	//! In the files
	duckdb::vector<duckdb::LogicalType> types;
	//! `PartitionKey::column` is one of the columns of the files, if they have it
	std::vector<PartitionKey> partition_keys;
};

//! Files that are not what the list tells are refused, and those are not opened of which it tells that none of their rows fulfils the
//! conditions of the scan.
class ListedFiles : public duckdb::SimpleMultiFileList {
public:
	//! `files` have these columns. `instance` outlives the scan.
	ListedFiles(duckdb::DatabaseInstance &instance, std::shared_ptr<const FileColumns> columns, std::vector<TableFile> files);

	const FileColumns &Columns() const {
		return *columns;
	}
	const std::vector<TableFile> &Files() const {
		return files;
	}

	duckdb::unique_ptr<duckdb::MultiFileList>
	ComplexFilterPushdown(duckdb::ClientContext &context, const duckdb::MultiFileOptions &options,
	                      duckdb::MultiFilePushdownInfo &info,
	                      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> &filters) const override;
	duckdb::unique_ptr<duckdb::MultiFileList>
	DynamicFilterPushdown(duckdb::MultiFileDynamicPushdownInfo &info) const override;
	duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override;
	duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext &context) const override;
	duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override;

protected:
	duckdb::OpenFileInfo GetFile(duckdb::idx_t i) const override;

private:
	//! Conditions on the columns of the files, as references
	using Conditions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

	//! Files of which rows may fulfil all of `conditions`.
	std::vector<TableFile> Matching(duckdb::ClientContext &context, const Conditions &conditions) const;
	//! What the list tells of the columns that `used` names; nothing of the others.
	std::vector<duckdb::BaseStatistics> Statistics(const TableFile &file, const std::set<duckdb::idx_t> &used) const;
	//! Throw if a file is missing or is another one. Its checksum is compared if it looks as if somebody had written to it since.
	void CheckFile(duckdb::idx_t i) const;
	//! The same of all files, which are on an object store.
	void CheckListedObjects() const;
	//! The same of a file that has this version now.
	void CheckContents(duckdb::idx_t i, const std::string &version) const;

	duckdb::DatabaseInstance &instance;
	std::shared_ptr<const FileColumns> columns;
	std::vector<TableFile> files;
	mutable duckdb::mutex lock;
	//! Files that were looked at
	mutable std::vector<bool> checked;
};

} // namespace duckling
