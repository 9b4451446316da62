// A bucket is a remainder of the MD5 of a value's text: unlike DuckDB's hashes, that is the same in each version.

#include "table_layout.hpp"

#include "stored_types.hpp"

#include "duckdb/common/crypto/md5.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb/function/scalar_function.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/expression/function_expression.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"

#include <algorithm>

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *PARTITION_TAG = "duckherder_partitioned_by";
constexpr const char *SORT_TAG = "duckherder_sorted_by";
constexpr const char *BUCKET = "bucket";
//! Of a value's text and the number of buckets
constexpr const char *BUCKET_FUNCTION = "duckherder_bucket";
constexpr int64_t MAX_BUCKETS = 10000;

//! Equal values have the same text, whatever the settings of a session are.
bool HasBuckets(const LogicalType &type) {
	switch (type.id()) {
	case LogicalTypeId::VARCHAR:
		return StringType::GetCollation(type).empty();
	case LogicalTypeId::BOOLEAN:
	case LogicalTypeId::TINYINT:
	case LogicalTypeId::SMALLINT:
	case LogicalTypeId::INTEGER:
	case LogicalTypeId::BIGINT:
	case LogicalTypeId::UTINYINT:
	case LogicalTypeId::USMALLINT:
	case LogicalTypeId::UINTEGER:
	case LogicalTypeId::UBIGINT:
	case LogicalTypeId::DECIMAL:
	case LogicalTypeId::DATE:
	case LogicalTypeId::TIMESTAMP:
	case LogicalTypeId::UUID:
		return true;
	default:
		return false;
	}
}

const ColumnDefinition &FindColumn(const ParsedExpression &expression, const ColumnList &columns, const char *clause) {
	if (expression.GetExpressionClass() != ExpressionClass::COLUMN_REF) {
		throw BinderException("%s takes columns%s, not %s", clause,
		                      string(clause) == "PARTITIONED BY" ? " and bucket(count, column)" : "",
		                      expression.ToString());
	}
	auto &name = expression.Cast<ColumnRefExpression>().GetColumnName();
	if (!columns.ColumnExists(name)) {
		throw BinderException("%s names the column \"%s\", which the table does not have", clause, name.GetIdentifierName());
	}
	auto &column = columns.GetColumn(name);
	if (column.Generated()) {
		throw BinderException("%s cannot take the generated column \"%s\"", clause, name.GetIdentifierName());
	}
	return column;
}

//! NULL if `expression` is no bucket.
optional_ptr<const FunctionExpression> AsBucket(const ParsedExpression &expression) {
	if (expression.GetExpressionClass() != ExpressionClass::FUNCTION) {
		return nullptr;
	}
	auto &function = expression.Cast<FunctionExpression>();
	return function.FunctionName() == Identifier(BUCKET) ? &function : nullptr;
}

PartitionKey BucketKey(const FunctionExpression &function, const ColumnList &columns) {
	auto &arguments = function.GetArguments();
	optional<Value> count;
	if (arguments.size() == 2 && arguments[0].GetExpression().GetExpressionClass() == ExpressionClass::CONSTANT) {
		count = Value(arguments[0].GetExpression().ToString()).DefaultTryCastAs(LogicalType::BIGINT);
	}
	if (!count || count->IsNull() || BigIntValue::Get(*count) < 1 || BigIntValue::Get(*count) > MAX_BUCKETS) {
		throw BinderException("%s is no bucket(count, column) with a count from 1 to %d", function.ToString(), MAX_BUCKETS);
	}
	auto &column = FindColumn(arguments[1].GetExpression(), columns, "PARTITIONED BY");
	if (!HasBuckets(column.Type())) {
		throw BinderException("bucket() does not take the column \"%s\" of type %s: it takes integers up to 64 bits, DECIMAL, "
		                      "VARCHAR, DATE, TIMESTAMP, UUID and BOOLEAN",
		                      column.Name().GetIdentifierName(), column.Type().ToString());
	}
	return {column.Physical(), NumericCast<idx_t>(BigIntValue::Get(*count))};
}

PartitionKey KeyOf(const ParsedExpression &expression, const ColumnList &columns) {
	if (auto bucket = AsBucket(expression)) {
		return BucketKey(*bucket, columns);
	}
	auto &column = FindColumn(expression, columns, "PARTITIONED BY");
	if (column.Type().IsNested()) {
		throw BinderException("PARTITIONED BY does not take the column \"%s\" of type %s", column.Name().GetIdentifierName(),
		                      column.Type().ToString());
	}
	return {column.Physical(), optional_idx()};
}

PhysicalIndex SortKeyOf(const ParsedExpression &expression, const ColumnList &columns) {
	auto &column = FindColumn(expression, columns, "SORTED BY");
	if (StoredType(column.Type()) != column.Type()) {
		throw BinderException("SORTED BY does not take the column \"%s\": values of type %s have another order in files",
		                      column.Name().GetIdentifierName(), column.Type().ToString());
	}
	return column.Physical();
}

TableLayout Layout(const vector<unique_ptr<ParsedExpression>> &partition_keys,
                   const vector<unique_ptr<ParsedExpression>> &sort_keys, const ColumnList &columns) {
	TableLayout result;
	for (auto &column : columns.Logical()) {
		if (!partition_keys.empty() && StringUtil::StartsWith(StringUtil::Lower(column.Name().GetIdentifierName()), PARTITION_PREFIX)) {
			throw BinderException("A table that is partitioned cannot have the column \"%s\": rename it",
			                      column.Name().GetIdentifierName());
		}
	}
	for (auto &expression : partition_keys) {
		result.partition_keys.push_back(KeyOf(*expression, columns));
	}
	for (auto &expression : sort_keys) {
		result.sort_keys.push_back(SortKeyOf(*expression, columns));
	}
	return result;
}

string Text(const vector<unique_ptr<ParsedExpression>> &expressions) {
	return StringUtil::Join(expressions, expressions.size(), ", ",
	                        [](const unique_ptr<ParsedExpression> &expression) { return expression->ToString(); });
}

vector<unique_ptr<ParsedExpression>> TagExpressions(const InsertionOrderPreservingMap<string> &tags, const char *tag) {
	auto found = tags.find(tag);
	return found == tags.end() ? vector<unique_ptr<ParsedExpression>>() : Parser::GetBuiltinParser().ParseExpressionList(found->second);
}

void BucketOf(DataChunk &arguments, ExpressionState &, Vector &result) {
	BinaryExecutor::Execute<string_t, uint64_t, uint64_t>(
	    arguments.data[0], arguments.data[1], result, arguments.size(), [](string_t text, uint64_t count) {
		    data_t digest[MD5Context::MD5_HASH_LENGTH_BINARY];
		    MD5Context md5;
		    md5.Add(text);
		    md5.Finish(digest);
		    return Load<uint64_t>(digest) % count;
	    });
}

} // namespace

bool TableLayout::IsPlain() const {
	return partition_keys.empty() && sort_keys.empty();
}

bool TableLayout::HasColumn(PhysicalIndex column) const {
	auto is_of_it = [&](const PartitionKey &key) { return key.column == column; };
	return std::any_of(partition_keys.begin(), partition_keys.end(), is_of_it) ||
	       std::find(sort_keys.begin(), sort_keys.end(), column) != sort_keys.end();
}

void TakeLayout(CreateTableInfo &info) {
	Layout(info.partition_keys, info.sort_keys, info.columns);
	if (!info.partition_keys.empty()) {
		info.tags[PARTITION_TAG] = Text(info.partition_keys);
	}
	if (!info.sort_keys.empty()) {
		info.tags[SORT_TAG] = Text(info.sort_keys);
	}
	info.partition_keys.clear();
	info.sort_keys.clear();
}

TableLayout LayoutOf(const InsertionOrderPreservingMap<string> &tags, const ColumnList &columns) {
	return Layout(TagExpressions(tags, PARTITION_TAG), TagExpressions(tags, SORT_TAG), columns);
}

unique_ptr<Expression> PartitionValue(ClientContext &context, const PartitionKey &key, unique_ptr<Expression> value) {
	if (!key.bucket_count.IsValid()) {
		return value;
	}
	vector<unique_ptr<Expression>> arguments;
	arguments.push_back(BoundCastExpression::AddCastToType(context, std::move(value), LogicalType::VARCHAR));
	arguments.push_back(make_uniq<BoundConstantExpression>(Value::UBIGINT(key.bucket_count.GetIndex())));
	return FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, BUCKET_FUNCTION, std::move(arguments));
}

void RegisterLayout(DatabaseInstance &instance) {
	ExtensionLoader loader(instance, "duckling");
	loader.RegisterFunction(ScalarFunction(BUCKET_FUNCTION, {LogicalType::VARCHAR, LogicalType::UBIGINT}, LogicalType::UBIGINT, BucketOf));
}

} // namespace duckling
