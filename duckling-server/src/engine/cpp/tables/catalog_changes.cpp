// DuckDB alters the entry of a table, and its rows, which a distributed table does not have there: what would have to alter
// its files is refused, so that they always have the columns of their table.

#include "catalog_changes.hpp"

#include "distributed_table.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/planner/operator/logical_alter.hpp"
#include "duckdb/planner/operator/logical_drop.hpp"

using namespace duckdb;

namespace duckling {

namespace {

bool IsOfEntryAlone(const AlterInfo &info) {
	if (info.type != AlterType::ALTER_TABLE) {
		return true;
	}
	switch (info.Cast<AlterTableInfo>().alter_table_type) {
	case AlterTableType::RENAME_TABLE:
	case AlterTableType::SET_DEFAULT:
	case AlterTableType::DROP_NOT_NULL:
	case AlterTableType::SET_COLUMN_COMMENT:
		return true;
	default:
		return false;
	}
}

void CheckTable(ClientContext &context, const QualifiedName &name, optional_ptr<const AlterInfo> alter) {
	auto entry =
	    Catalog::GetEntry(context, EntryLookupInfo(CatalogType::TABLE_ENTRY, name), OnEntryNotFound::RETURN_NULL);
	if (!entry || entry->type != CatalogType::TABLE_ENTRY) {
		return;
	}
	if (IsOfList(entry->Cast<TableCatalogEntry>())) {
		RefuseList();
	}
	if (alter && IsDistributed(*entry) && !IsOfEntryAlone(*alter)) {
		throw NotImplementedException("This ALTER is not supported yet for distributed table \"%s\": its files would have to "
		                              "be altered",
		                              entry->name.GetIdentifierName());
	}
}

} // namespace

void CheckCatalogChange(ClientContext &context, LogicalOperator &op) {
	if (op.type == LogicalOperatorType::LOGICAL_ALTER) {
		auto &info = *op.Cast<LogicalAlter>().info;
		if (info.GetCatalogType() == CatalogType::TABLE_ENTRY || info.type == AlterType::SET_COMMENT) {
			CheckTable(context, info.GetQualifiedName(), info);
		}
	} else if (op.type == LogicalOperatorType::LOGICAL_DROP) {
		auto &info = *op.Cast<LogicalDrop>().info;
		auto &name = info.GetQualifiedName();
		if (info.type == CatalogType::TABLE_ENTRY) {
			CheckTable(context, name, nullptr);
		} else if (info.type == CatalogType::SCHEMA_ENTRY &&
		           (name.Name() == Identifier(LIST_SCHEMA) || name.Schema() == Identifier(LIST_SCHEMA))) {
			RefuseList();
		}
	}
}

} // namespace duckling
