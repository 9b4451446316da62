// COPY FROM DATABASE into a server.

#include "copy_database.hpp"

#include "catalog.hpp"
#include "transaction.hpp"

#include "duckdb/parser/parsed_data/copy_database_info.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/planner/operator/logical_copy_database.hpp"

using namespace duckdb;

namespace duckherder {

static void TakeIndexes(PlannerExtensionInput &input, BoundStatement &statement) {
	if (!statement.plan || statement.plan->type != LogicalOperatorType::LOGICAL_COPY_DATABASE) {
		return;
	}
	auto &info = *statement.plan->Cast<LogicalCopyDatabase>().info;
	auto catalog = Catalog::GetCatalogEntry(input.context, info.target_database);
	if (!catalog || catalog->GetCatalogType() != RemoteCatalog::TYPE) {
		return;
	}
	auto &transaction = RemoteTransaction::Get(input.context, *catalog);
	vector<unique_ptr<CreateInfo>> others;
	for (auto &entry : info.entries) {
		if (entry->type == CatalogType::INDEX_ENTRY) {
			transaction.CreateWithTable(unique_ptr_cast<CreateInfo, CreateIndexInfo>(std::move(entry)));
		} else {
			others.push_back(std::move(entry));
		}
	}
	info.entries = std::move(others);
}

PlannerExtension IndexesWithTheirTables() {
	PlannerExtension extension;
	extension.post_bind_function = TakeIndexes;
	return extension;
}

} // namespace duckherder
