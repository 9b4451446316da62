// What is refused is what would have to alter files and cannot yet, and what statements must not change.

#include "catalog_changes.hpp"

#include "distributed_table.hpp"
#include "duckling_catalog.hpp"
#include "notices.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/alter_table_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/planner/operator/logical_alter.hpp"
#include "duckdb/planner/operator/logical_create_table.hpp"
#include "duckdb/planner/operator/logical_drop.hpp"

#include <algorithm>

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

void NoteDropped(ClientContext &context, CatalogEntry &entry) {
	if (IsDistributed(entry) && dynamic_cast<DucklingCatalog *>(&entry.ParentCatalog())) {
		TableTransactions::Get(entry.ParentCatalog()).NoteDropped(context, TableId(entry));
	}
}

void CheckCreation(ClientContext &context, Catalog &catalog, CreateTableInfo &info) {
	auto existing = Catalog::GetEntry(context, EntryLookupInfo(CatalogType::TABLE_ENTRY, info.GetQualifiedName()),
	                                  OnEntryNotFound::RETURN_NULL);
	if (existing && info.on_conflict == OnCreateConflict::REPLACE_ON_CONFLICT) {
		NoteDropped(context, *existing);
	}
	auto reason = TakeDefaultKind(catalog, info);
	if (!reason.empty() && (!existing || info.on_conflict != OnCreateConflict::IGNORE_ON_CONFLICT)) {
		AddNotice(context, StringUtil::Format("Table \"%s\" is a native table of the driver, not a distributed one: %s",
		                                      info.GetTableName().GetIdentifierName(), reason));
	}
}

//! Of the schema of this name, which begins with the catalog, and of those in it.
void NoteDroppedTables(ClientContext &context, const QualifiedName &name) {
	auto &path = name.Path();
	for (auto &schema : Catalog::GetCatalog(context, path.front()).GetSchemas(context)) {
		auto schema_path = schema.get().GetSchemaPath();
		if (schema_path.size() + 1 >= path.size() && std::equal(path.begin() + 1, path.end(), schema_path.begin())) {
			schema.get().Scan(context, CatalogType::TABLE_ENTRY, [&](CatalogEntry &entry) { NoteDropped(context, entry); });
		}
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
	if (!alter) {
		NoteDropped(context, *entry);
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
		CheckCreation(context, create.schema.catalog, create.info->Base().Cast<CreateTableInfo>());
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
		} else if (info.type == CatalogType::SCHEMA_ENTRY) {
			NoteDroppedTables(context, name);
		}
	}
}

} // namespace duckling
