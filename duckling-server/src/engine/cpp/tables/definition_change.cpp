// DuckDB alters the entry of the table; which columns of files its columns are is listed beside it.

#include "definition_change.hpp"

#include "distributed_table.hpp"
#include "table_transactions.hpp"

#include "duckdb/catalog/catalog.hpp"

using namespace duckdb;

namespace duckling {

const Identifier &RetypedColumn(const AlterTableInfo &info) {
	switch (info.alter_table_type) {
	case AlterTableType::ADD_FIELD:
		return info.Cast<AddFieldInfo>().column_path[0];
	case AlterTableType::REMOVE_FIELD:
		return info.Cast<RemoveFieldInfo>().column_path[0];
	case AlterTableType::RENAME_FIELD:
		return info.Cast<RenameFieldInfo>().column_path[0];
	default:
		return info.Cast<ChangeColumnTypeInfo>().column_path[0];
	}
}

DefinitionChange::DefinitionChange(ClientContext &context, TableCatalogEntry &table, const AlterTableInfo &info_p,
                                   const Value &initial_value)
    : table_id(TableId(table)), columns(ListColumns(context, table)), info(info_p.Copy()) {
	auto place_of = [&](const Identifier &name) {
		return columns.ids.begin() + NumericCast<int64_t>(table.GetColumn(name).Physical().index);
	};
	switch (info_p.alter_table_type) {
	case AlterTableType::ADD_COLUMN:
		if (table.ColumnExists(info_p.Cast<AddColumnInfo>().new_column.Name())) {
			return;
		}
		if (!initial_value.IsNull()) {
			columns.initial_values[columns.next_id] = StringValue::Get(initial_value);
		}
		columns.ids.push_back(columns.next_id++);
		break;
	case AlterTableType::REMOVE_COLUMN: {
		auto &removed = info_p.Cast<RemoveColumnInfo>().removed_column;
		if (!table.ColumnExists(removed) || table.GetColumn(removed).Generated()) {
			return;
		}
		auto place = place_of(removed);
		columns.initial_values.erase(*place);
		columns.ids.erase(place);
		break;
	}
	case AlterTableType::ALTER_COLUMN_TYPE:
	case AlterTableType::ADD_FIELD:
	case AlterTableType::REMOVE_FIELD:
	case AlterTableType::RENAME_FIELD: {
		auto place = place_of(RetypedColumn(info_p));
		columns.initial_values.erase(*place);
		*place = columns.next_id++;
		break;
	}
	default:
		return;
	}
	changes_columns = true;
}

void DefinitionChange::Apply(ClientContext &context, Catalog &catalog) const {
	auto altered = info->Copy();
	catalog.Alter(context, *altered);
	if (changes_columns) {
		ReplaceColumns(context, catalog, table_id, columns);
	}
	TableTransactions::Get(catalog).NoteAltered(context, table_id);
}

} // namespace duckling
