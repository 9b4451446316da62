// DuckDB has what follows, but declares it in no header: duck_table_entry.cpp.

#include "struct_fields.hpp"

#include "duckdb/common/error_data.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"

namespace duckdb {

struct StructMappingInfo {
	LogicalType new_type;
	unique_ptr<ParsedExpression> default_value;
	ErrorData error;
};

struct DroppedFieldMapping {
	Value mapping;
	LogicalType new_type;
	ErrorData error;
};

Value ConstructMapping(const Identifier &name, const LogicalType &type);
StructMappingInfo AddFieldToStruct(const LogicalType &type, const vector<Identifier> &column_path,
                                   const ColumnDefinition &new_field, idx_t depth);
DroppedFieldMapping DropFieldFromStruct(const LogicalType &type, const vector<Identifier> &column_path, idx_t depth);
DroppedFieldMapping RenameFieldFromStruct(const LogicalType &type, const vector<Identifier> &column_path,
                                          const string &new_name, idx_t depth);

} // namespace duckdb

using namespace duckdb;

namespace duckling {

namespace {

//! `fields` are what DuckDB fills the new fields with.
unique_ptr<ChangeColumnTypeInfo> Remap(const AlterTableInfo &info, const Identifier &column, LogicalType type,
                                       const Value &mapping, unique_ptr<ParsedExpression> fields) {
	vector<unique_ptr<ParsedExpression>> arguments;
	arguments.push_back(make_uniq<ColumnRefExpression>(column));
	arguments.push_back(ConstantExpression::FromValue(Value(type)));
	arguments.push_back(ConstantExpression::FromValue(mapping));
	arguments.push_back(std::move(fields));
	auto value = make_uniq<FunctionExpression>(Identifier("remap_struct"), std::move(arguments));
	return make_uniq<ChangeColumnTypeInfo>(info.GetAlterEntryData(), vector<Identifier> {column}, std::move(type),
	                                       std::move(value));
}

optional_ptr<const ColumnDefinition> FindColumn(const DuckTableEntry &table, const Identifier &name) {
	return table.ColumnExists(name) && !table.GetColumn(name).Generated() ? &table.GetColumn(name) : nullptr;
}

unique_ptr<ChangeColumnTypeInfo> AddField(const DuckTableEntry &table, const AddFieldInfo &info) {
	auto column = FindColumn(table, info.column_path[0]);
	if (!column) {
		return nullptr;
	}
	auto added = AddFieldToStruct(column->Type(), info.column_path, info.new_field, 0);
	if (added.error.HasError()) {
		return nullptr;
	}
	return Remap(info, column->Name(), std::move(added.new_type), ConstructMapping(column->Name(), column->Type()),
	             std::move(added.default_value));
}

unique_ptr<ChangeColumnTypeInfo> DropField(const DuckTableEntry &table, const RemoveFieldInfo &info) {
	auto column = FindColumn(table, info.column_path[0]);
	if (!column) {
		return nullptr;
	}
	auto dropped = DropFieldFromStruct(column->Type(), info.column_path, 1);
	if (dropped.error.HasError()) {
		return nullptr;
	}
	return Remap(info, column->Name(), std::move(dropped.new_type), dropped.mapping, ConstantExpression::Null());
}

unique_ptr<ChangeColumnTypeInfo> RenameField(const DuckTableEntry &table, const RenameFieldInfo &info) {
	auto column = FindColumn(table, info.column_path[0]);
	if (!column) {
		return nullptr;
	}
	auto renamed = RenameFieldFromStruct(column->Type(), info.column_path, info.new_name.GetIdentifierName(), 1);
	if (renamed.error.HasError()) {
		return nullptr;
	}
	return Remap(info, column->Name(), std::move(renamed.new_type), renamed.mapping, ConstantExpression::Null());
}

} // namespace

unique_ptr<ChangeColumnTypeInfo> FieldChange(const DuckTableEntry &table, const AlterTableInfo &info) {
	switch (info.alter_table_type) {
	case AlterTableType::ADD_FIELD:
		return AddField(table, info.Cast<AddFieldInfo>());
	case AlterTableType::REMOVE_FIELD:
		return DropField(table, info.Cast<RemoveFieldInfo>());
	case AlterTableType::RENAME_FIELD:
		return RenameField(table, info.Cast<RenameFieldInfo>());
	default:
		return nullptr;
	}
}

} // namespace duckling
