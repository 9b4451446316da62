// Packs values as DuckDB serializes them into its own files, and unpacks them.

#include "packed_values.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb/function/scalar_function.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"

using namespace duckdb;

namespace duckling {

namespace {

void Pack(DataChunk &arguments, ExpressionState &, Vector &result) {
	auto count = arguments.size();
	for (idx_t row = 0; row < count; row++) {
		auto value = arguments.data[0].GetValue(row);
		if (value.IsNull()) {
			result.SetValue(row, Value(LogicalType::BLOB));
			continue;
		}
		MemoryStream stream;
		SerializationOptions options;
		options.storage_compatibility = StorageCompatibility::Latest();
		BinarySerializer serializer(stream, options);
		serializer.Begin();
		value.Serialize(serializer);
		serializer.End();
		result.SetValue(row, Value::BLOB(stream.GetData(), stream.GetPosition()));
	}
}

void Unpack(DataChunk &arguments, ExpressionState &state, Vector &result) {
	auto count = arguments.size();
	auto &type = result.GetType();
	for (idx_t row = 0; row < count; row++) {
		auto packed = arguments.data[0].GetValue(row);
		if (packed.IsNull()) {
			result.SetValue(row, Value(type));
			continue;
		}
		auto &bytes = StringValue::Get(packed);
		MemoryStream stream(data_ptr_cast(const_cast<char *>(bytes.data())), bytes.size());
		Value value;
		try {
			BinaryDeserializer deserializer(stream);
			deserializer.Set<DatabaseInstance &>(*state.GetContext().db);
			deserializer.Begin();
			value = Value::Deserialize(deserializer);
			deserializer.End();
		} catch (const std::exception &failure) {
			// DuckDB throws internal errors for bytes that it has not written
			throw SerializationException("A blob is no packed value: %s", ErrorData(failure).RawMessage());
		}
		if (value.type() != type) {
			throw SerializationException("A packed value is a %s, and not a %s", value.type().ToString(), type.ToString());
		}
		result.SetValue(row, value);
	}
}

unique_ptr<FunctionData> BindUnpack(BindScalarFunctionInput &input) {
	input.GetBoundFunction().SetReturnType(input.GetArguments()[1]->GetReturnType());
	return nullptr;
}

} // namespace

void RegisterPackedValues(DatabaseInstance &instance) {
	ExtensionLoader loader(instance, "duckling");
	ScalarFunction pack(PACK_FUNCTION, {LogicalType::ANY}, LogicalType::BLOB, Pack);
	pack.SetNullHandling(FunctionNullHandling::SPECIAL_HANDLING);
	loader.RegisterFunction(pack);
	ScalarFunction unpack(UNPACK_FUNCTION, {LogicalType::BLOB, LogicalType::ANY}, LogicalType::ANY, Unpack, BindUnpack);
	unpack.SetNullHandling(FunctionNullHandling::SPECIAL_HANDLING);
	// Else DuckDB takes what it throws for a failed assertion
	unpack.SetFallible();
	loader.RegisterFunction(unpack);
}

} // namespace duckling
