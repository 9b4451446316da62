// Encodes what Parquet damages.
//
// A cast to a type that Parquet keeps is best, as other readers understand it. Where no cast is exact, a value is packed into a
// blob, as DuckDB writes values into its own files.

#include "stored_types.hpp"

#include "packed_values.hpp"

#include "duckdb/common/type_visitor.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! Whether a value, or a part of it, survives neither in Parquet nor in a cast.
bool MustBePacked(const LogicalType &type) {
	return TypeVisitor::Contains(type, [](const LogicalType &part) {
		switch (part.id()) {
		case LogicalTypeId::UNION:
		case LogicalTypeId::VARIANT:
		case LogicalTypeId::TUPLE:
		case LogicalTypeId::INTERVAL:
		case LogicalTypeId::BIT:
		case LogicalTypeId::BIGNUM:
		case LogicalTypeId::TIMESTAMP_SEC:
		case LogicalTypeId::TIMESTAMP_MS:
		case LogicalTypeId::TIME_TZ:
		case LogicalTypeId::TIME_NS:
		case LogicalTypeId::TIMESTAMP_TZ_NS:
		case LogicalTypeId::GEOMETRY:
		case LogicalTypeId::SQLNULL:
		case LogicalTypeId::LEGACY_AGGREGATE_STATE:
			return true;
		case LogicalTypeId::STRUCT:
			return StructType::GetChildCount(part) == 0;
		default:
			return false;
		}
	});
}

//! The part of a type that Parquet keeps in the place of `part`.
LogicalType StoredPart(const LogicalType &part) {
	switch (part.id()) {
	case LogicalTypeId::HUGEINT:
	case LogicalTypeId::UHUGEINT:
	case LogicalTypeId::ENUM:
		return LogicalType::VARCHAR;
	case LogicalTypeId::ARRAY:
		return LogicalType::LIST(ArrayType::GetChildType(part));
	default:
		return part;
	}
}

} // namespace

LogicalType StoredType(const LogicalType &type) {
	if (MustBePacked(type)) {
		return LogicalType::BLOB;
	}
	if (!type.IsNested()) {
		return StoredPart(type);
	}
	return TypeVisitor::VisitReplace(type, StoredPart);
}

unique_ptr<Expression> Encode(ClientContext &context, unique_ptr<Expression> value) {
	auto type = value->GetReturnType();
	if (!MustBePacked(type)) {
		return BoundCastExpression::AddCastToType(context, std::move(value), StoredType(type));
	}
	return Pack(context, std::move(value));
}

unique_ptr<Expression> Decode(ClientContext &context, unique_ptr<Expression> stored, const LogicalType &type) {
	if (!MustBePacked(type)) {
		return BoundCastExpression::AddCastToType(context, std::move(stored), type);
	}
	return Unpack(context, std::move(stored), type);
}

unique_ptr<Expression> Unpack(ClientContext &context, unique_ptr<Expression> packed, const LogicalType &type) {
	vector<unique_ptr<Expression>> arguments;
	arguments.push_back(std::move(packed));
	arguments.push_back(make_uniq<BoundConstantExpression>(Value(type)));
	return FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, UNPACK_FUNCTION, std::move(arguments));
}

unique_ptr<Expression> Pack(ClientContext &context, unique_ptr<Expression> value) {
	vector<unique_ptr<Expression>> arguments;
	arguments.push_back(std::move(value));
	return FunctionBinder(context).BindScalarFunction(DEFAULT_SCHEMA, PACK_FUNCTION, std::move(arguments));
}

} // namespace duckling
