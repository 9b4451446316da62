// Recognizes distributed tables, and makes tables so.

#include "distributed_table.hpp"

#include "duckling_catalog.hpp"
#include "table_layout.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/common/types/uuid.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *OPTION = "distributed";

bool BooleanOption(const ParsedExpression &expression) {
	auto text = expression.ToString();
	if (text.size() > 2 && text.front() == '\'') {
		text = text.substr(1, text.size() - 2);
	}
	auto result = Value(text).DefaultTryCastAs(LogicalType::BOOLEAN);
	if (!result || result->IsNull()) {
		throw BinderException("The option \"%s\" of a table is true or false, not %s", OPTION, expression.ToString());
	}
	return BooleanValue::Get(*result);
}

//! A constraint that needs an index, if there is one.
optional_ptr<const Constraint> FindKey(const CreateTableInfo &info) {
	for (auto &constraint : info.constraints) {
		if (constraint->type == ConstraintType::UNIQUE || constraint->type == ConstraintType::FOREIGN_KEY) {
			return *constraint;
		}
	}
	return nullptr;
}

//! The name of a column that scans of files have already, or NULL.
const char *ReservedColumn(const CreateTableInfo &info) {
	for (auto name : {"filename", "file_row_number", "file_index"}) {
		if (info.columns.ColumnExists(Identifier(name))) {
			return name;
		}
	}
	return nullptr;
}

void RefuseKeys(const CreateTableInfo &info) {
	if (auto key = FindKey(info)) {
		throw BinderException("Table \"%s\" cannot be distributed, as it has the constraint \"%s\": PRIMARY KEY, UNIQUE "
		                      "and FOREIGN KEY need an index, which only native tables have. Leave out the constraint, "
		                      "or WITH (distributed = true)",
		                      info.GetTableName().GetIdentifierName(), key->ToString());
	}
}

} // namespace

bool IsDistributed(const CatalogEntry &entry) {
	return entry.type == CatalogType::TABLE_ENTRY && entry.tags.find(TABLE_ID_TAG) != entry.tags.end();
}

string TableId(const InsertionOrderPreservingMap<string> &tags) {
	return tags.find(TABLE_ID_TAG)->second;
}

bool IsOfList(const TableCatalogEntry &table) {
	return table.schema.name == Identifier(LIST_SCHEMA) && !table.catalog.IsSystemCatalog();
}

void RefuseList() {
	throw PermissionException("The tables of schema \"%s\" list the files of distributed tables, and change with these only",
	                          LIST_SCHEMA);
}

void TakeTableOptions(DatabaseInstance &instance, CreateTableInfo &info) {
	if (info.tags.find(TABLE_ID_TAG) != info.tags.end()) {
		RefuseKeys(info);
		return;
	}
	bool distributed = false;
	for (auto &option : info.options) {
		if (!StringUtil::CIEquals(option.first, OPTION)) {
			throw BinderException("Unknown option \"%s\" of table \"%s\": there is \"%s\"", option.first,
			                      info.GetTableName().GetIdentifierName(), OPTION);
		}
		distributed = BooleanOption(*option.second);
	}
	info.options.clear();
	if (!distributed) {
		return;
	}
	StorageRoot(instance);
	RefuseKeys(info);
	if (auto name = ReservedColumn(info)) {
		throw BinderException("Table \"%s\" cannot be distributed with a column \"%s\": scans of files have one of that name",
		                      info.GetTableName().GetIdentifierName(), name);
	}
	TakeLayout(info);
	info.tags[TABLE_ID_TAG] = UUID::ToString(UUIDv7::GenerateRandomUUID());
}

string TakeDefaultKind(Catalog &catalog, CreateTableInfo &info) {
	auto &instance = catalog.GetDatabase();
	if (!TableStorage::Get(DBConfig::GetConfig(instance)).is_default || !dynamic_cast<DucklingCatalog *>(&catalog) ||
	    info.options.find(OPTION) != info.options.end() || info.GetQualifiedName().Schema() == Identifier(LIST_SCHEMA)) {
		return "";
	}
	if (auto key = FindKey(info)) {
		return StringUtil::Format("the constraint \"%s\" needs an index", key->ToString());
	}
	if (auto name = ReservedColumn(info)) {
		return StringUtil::Format("scans of files have a column \"%s\" already", name);
	}
	info.options[OPTION] = ConstantExpression::Boolean(true);
	return "";
}

bool WillBeDistributed(DatabaseInstance &instance, CreateTableInfo &info) {
	TakeTableOptions(instance, info);
	return info.tags.find(TABLE_ID_TAG) != info.tags.end();
}

string StorageRoot(DatabaseInstance &instance) {
	auto &root = TableStorage::Get(DBConfig::GetConfig(instance)).root;
	if (root.empty()) {
		throw InvalidInputException("This server has no storage for distributed tables: start it with --storage DIR or --storage URL");
	}
	return root;
}

string StoredPath(ClientContext &context, const string &path) {
	return StorageRoot(*context.db) + "/" + path;
}

} // namespace duckling
