// What is refused is what would have to alter files and cannot yet, and what statements must not change.

#include "catalog_changes.hpp"

#include "distributed_table.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/planner/operator/logical_alter.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_drop.hpp"

using namespace duckdb;

namespace duckling {

namespace {

bool IsSupported(const AlterInfo &info) {
	if (info.type != AlterType::ALTER_TABLE) {
		return true;
	}
	switch (info.Cast<AlterTableInfo>().alter_table_type) {
	case AlterTableType::SET_PARTITIONED_BY:
	case AlterTableType::SET_SORTED_BY:
	case AlterTableType::SET_TABLE_OPTIONS:
	case AlterTableType::RESET_TABLE_OPTIONS:
		return false;
	default:
		return true;
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
	if (alter && IsDistributed(*entry) && !IsSupported(*alter)) {
		throw NotImplementedException("This ALTER is not supported for distributed table \"%s\": create the table anew",
		                              entry->name.GetIdentifierName());
	}
}

} // namespace

void CheckCatalogChange(ClientContext &context, LogicalOperator &op) {
	if (op.type == LogicalOperatorType::LOGICAL_CREATE_TABLE) {
		auto &create = op.Cast<LogicalCreateTable>();
		TakeDefaultKind(create.schema.catalog, create.info->Base().Cast<CreateTableInfo>());
	} else if (op.type == LogicalOperatorType::LOGICAL_ALTER) {
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
