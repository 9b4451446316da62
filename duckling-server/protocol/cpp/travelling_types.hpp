// How both ends write DuckDB's values as Arrow, and read them back, without loss.
//
// DuckDB's lossless conversion keeps most types as they are. The others travel as a type with the very same vectors that it
// does keep:
//
//     ENUM       its indexes                  Arrow has no name for the type
//     INTERVAL   its 16 bytes, a HUGEINT      Arrow counts nanoseconds, and wraps around beyond 292 years
//     UNION      STRUCT of tag and members    Arrow's unions cannot be NULL
//     VARIANT    STRUCT of its four parts     Parquet's VARIANT lacks half of DuckDB's types
//     TUPLE      STRUCT of numbered fields    Arrow's fields have names
//
// A column in which one of them occurs, however deep, is an Arrow extension type whose metadata is the DuckDB type as SQL.
#pragma once

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/common/arrow/arrow_type_extension.hpp"
#include "duckdb/common/arrow/schema_metadata.hpp"
#include "duckdb/common/exception.hpp"
#include "duckdb/common/types/type_manager.hpp"
#include "duckdb/common/types/vector.hpp"
#include "duckdb/common/vector/array_vector.hpp"
#include "duckdb/common/vector/list_vector.hpp"
#include "duckdb/common/vector/struct_vector.hpp"
#include "duckdb/function/table/arrow/arrow_duck_schema.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/config.hpp"

namespace duckling {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Vector;

//! Arrow extension name of the columns that this file writes.
constexpr const char *DUCKDB_TYPE = "duckling.duckdb_type";

LogicalType TravellingType(const LogicalType &type);

inline LogicalType NumberedFields(const LogicalType &type) {
	duckdb::child_list_t<LogicalType> fields;
	for (auto &field : duckdb::StructType::GetChildTypes(type)) {
		fields.emplace_back(std::to_string(fields.size()), TravellingType(field.second));
	}
	return LogicalType::STRUCT(std::move(fields));
}

//! The type as which `type` travels: itself, or one with the same vectors.
inline LogicalType TravellingType(const LogicalType &type) {
	switch (type.id()) {
	case LogicalTypeId::ENUM:
		switch (type.InternalType()) {
		case duckdb::PhysicalType::UINT8:
			return LogicalType::UTINYINT;
		case duckdb::PhysicalType::UINT16:
			return LogicalType::USMALLINT;
		default:
			return LogicalType::UINTEGER;
		}
	case LogicalTypeId::INTERVAL:
		return LogicalType::HUGEINT;
	case LogicalTypeId::UNION:
	case LogicalTypeId::VARIANT:
	case LogicalTypeId::TUPLE:
		return NumberedFields(type);
	case LogicalTypeId::LIST: {
		auto &child = duckdb::ListType::GetChildType(type);
		auto travelling = TravellingType(child);
		return travelling == child ? type : LogicalType::LIST(std::move(travelling));
	}
	case LogicalTypeId::ARRAY: {
		auto &child = duckdb::ArrayType::GetChildType(type);
		auto travelling = TravellingType(child);
		return travelling == child ? type
		                           : LogicalType::ARRAY(travelling, duckdb::ArrayType::GetSize(type));
	}
	case LogicalTypeId::MAP: {
		auto &key = duckdb::MapType::KeyType(type);
		auto &value = duckdb::MapType::ValueType(type);
		auto travelling_key = TravellingType(key);
		auto travelling_value = TravellingType(value);
		return travelling_key == key && travelling_value == value
		           ? type
		           : LogicalType::MAP(std::move(travelling_key), std::move(travelling_value));
	}
	case LogicalTypeId::STRUCT: {
		duckdb::child_list_t<LogicalType> fields;
		bool changed = false;
		for (auto &field : duckdb::StructType::GetChildTypes(type)) {
			fields.emplace_back(field.first, TravellingType(field.second));
			changed = changed || fields.back().second != field.second;
		}
		return changed ? LogicalType::STRUCT(std::move(fields)) : type;
	}
	default:
		return type;
	}
}

//! What came from outside must not make DuckDB read beyond its own tables.
inline void CheckIndexes(const Vector &vector) {
	auto &type = vector.GetType();
	auto refuse = [&](const char *what) {
		throw duckdb::InvalidInputException("Received a value of type %s whose %s does not exist", type.ToString(), what);
	};
	auto check_below = [&](duckdb::idx_t limit, auto example, const Vector &indexes, const char *what) {
		for (auto entry : indexes.Values<decltype(example)>()) {
			if (entry.IsValid() && entry.GetValue() >= limit) {
				refuse(what);
			}
		}
	};
	if (type.id() == LogicalTypeId::ENUM) {
		auto size = duckdb::EnumType::GetSize(type);
		switch (type.InternalType()) {
		case duckdb::PhysicalType::UINT8:
			return check_below(size, uint8_t(), vector, "label");
		case duckdb::PhysicalType::UINT16:
			return check_below(size, uint16_t(), vector, "label");
		default:
			return check_below(size, uint32_t(), vector, "label");
		}
	}
	if (type.id() == LogicalTypeId::UNION) {
		check_below(duckdb::UnionType::GetMemberCount(type), uint8_t(), duckdb::StructVector::GetEntries(vector)[0],
		            "member");
	}
}

//! Make `target` show the data of `source` as values of its own type, which has the same vectors. Shares, never copies.
inline void Reinterpret(const Vector &source, Vector &target, bool from_outside) {
	using namespace duckdb;
	if (source.GetType() == target.GetType()) {
		target.Reference(source);
		return;
	}
	auto size = source.size();
	auto child_of = [&](const Vector &child, const LogicalType &type) {
		Vector result(type, nullptr);
		Reinterpret(child, result, from_outside);
		return result;
	};
	auto take_over = [&](buffer_ptr<VectorBuffer> buffer) {
		buffer->GetValidityMask() = source.Buffer().GetValidityMask();
		buffer->SetVectorSizeOnly(size);
		buffer->AddAuxiliaryData(make_uniq<VectorBufferHolder>(source.GetBufferRef()));
		target.SetBuffer(std::move(buffer));
	};
	auto &type = target.GetType();
	switch (type.InternalType()) {
	case PhysicalType::LIST: {
		source.Flatten();
		auto child = child_of(ListVector::GetChild(source), ListType::GetChildType(type));
		take_over(make_buffer<VectorListBuffer>(source.GetBufferRef()->GetData(), count_t(size), child));
		break;
	}
	case PhysicalType::ARRAY: {
		source.Flatten();
		auto child = make_uniq<Vector>(child_of(ArrayVector::GetChild(source), ArrayType::GetChildType(type)));
		take_over(make_buffer<VectorArrayBuffer>(std::move(child), ArrayType::GetSize(type),
		                                         capacity_t(source.Buffer().Capacity())));
		break;
	}
	case PhysicalType::STRUCT: {
		source.Flatten();
		auto &fields = StructType::GetChildTypes(type);
		auto &entries = StructVector::GetEntries(source);
		vector<Vector> children;
		for (idx_t i = 0; i < fields.size(); i++) {
			children.push_back(child_of(entries[i], fields[i].second));
		}
		take_over(make_buffer<VectorStructBuffer>(std::move(children), capacity_t(source.Buffer().Capacity())));
		break;
	}
	default:
		target.Reinterpret(source);
	}
	if (from_outside) {
		CheckIndexes(target);
	}
}

inline void DuckToArrow(duckdb::ClientContext &, const Vector &source, Vector &result, duckdb::idx_t) {
	Reinterpret(source, result, false);
}

inline void ArrowToDuck(duckdb::ClientContext &, Vector &source, Vector &result, duckdb::idx_t count) {
	duckdb::FlatVector::SetSize(source, duckdb::count_t(count));
	Reinterpret(source, result, true);
}

inline duckdb::shared_ptr<duckdb::ArrowTypeExtensionData> TravellingExtension(const LogicalType &type,
                                                                             const LogicalType &travelling) {
	return duckdb::make_shared_ptr<duckdb::ArrowTypeExtensionData>(type, travelling, ArrowToDuck, DuckToArrow);
}

using ExtensionTypes = duckdb::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>>;

//! What an ArrowAppender needs to write columns of these types.
inline ExtensionTypes TravellingExtensions(duckdb::ClientContext &context, const duckdb::vector<LogicalType> &types) {
	auto extensions = duckdb::ArrowTypeExtensionData::GetExtensionTypes(context, types);
	for (duckdb::idx_t i = 0; i < types.size(); i++) {
		auto travelling = TravellingType(types[i]);
		if (travelling != types[i]) {
			extensions.erase(i);
			extensions.emplace(i, TravellingExtension(types[i], travelling));
		}
	}
	return extensions;
}

//! The schema of what an ArrowAppender writes so.
inline void TravellingSchema(ArrowSchema *out, const duckdb::vector<LogicalType> &types,
                             const duckdb::vector<std::string> &names, duckdb::ClientProperties &properties) {
	using namespace duckdb;
	vector<LogicalType> travelling;
	for (idx_t i = 0; i < types.size(); i++) {
		if (types[i].IsAggregateState()) {
			throw NotImplementedException("Column \"%s\" of type %s cannot be transferred: finalize the state in the query",
			                              names[i], types[i].ToString());
		}
		travelling.push_back(TravellingType(types[i]));
	}
	ArrowConverter::ToArrowSchema(out, travelling, names, properties);
	auto &holder = *static_cast<DuckDBArrowSchemaHolder *>(out->private_data);
	for (idx_t i = 0; i < types.size(); i++) {
		if (travelling[i] == types[i]) {
			continue;
		}
		ArrowSchemaMetadata metadata;
		metadata.AddOption(ArrowSchemaMetadata::ARROW_EXTENSION_NAME, DUCKDB_TYPE);
		metadata.AddOption(ArrowSchemaMetadata::ARROW_METADATA_KEY, types[i].ToString());
		holder.metadata_info.emplace_back(metadata.SerializeMetadata());
		out->children[i]->metadata = holder.metadata_info.back().get();
	}
}

//! The DuckDB type that `text` names.
inline LogicalType ParseType(duckdb::ClientContext &context, const std::string &text) {
	auto &manager = duckdb::TypeManager::Get(context);
	try {
		// Without the client: while it is CONNECTed, its parser passes everything through unread
		return manager.ParseLogicalType(text);
	} catch (const duckdb::Exception &) {
		// Not built in: a type of an extension
		return manager.ParseLogicalType(text, context);
	}
}

//! The Arrow type of a column that TravellingSchema tagged.
inline duckdb::unique_ptr<duckdb::ArrowType> ReadTravellingType(duckdb::ClientContext &context,
                                                                const ArrowSchema &schema,
                                                                const duckdb::ArrowSchemaMetadata &metadata) {
	using namespace duckdb;
	//! Reads storage as it is told, but is of the DuckDB type
	struct Retyped : public ArrowType {
		Retyped(unique_ptr<ArrowType> storage, const LogicalType &type_p, const LogicalType &travelling)
		    : ArrowType(std::move(*storage)) {
			type = type_p;
			extension_data = TravellingExtension(type, travelling);
		}
	};
	auto type = ParseType(context, metadata.GetOption(ArrowSchemaMetadata::ARROW_METADATA_KEY));
	auto travelling = TravellingType(type);
	auto format = string(schema.format);
	auto untagged = schema;
	auto storage = ArrowType::GetTypeFromFormat(context, untagged, format);
	auto fits = travelling.id() == LogicalTypeId::HUGEINT ? format == "w:16"
	                                                      : storage->GetDuckType(true) == travelling;
	if (!fits || schema.dictionary || travelling == type) {
		throw InvalidInputException("A column \"%s\" of type %s cannot arrive as Arrow's %s", schema.name,
		                            type.ToString(), storage->GetDuckType(true).ToString());
	}
	return make_uniq<ArrowType>(Retyped(std::move(storage), type, travelling));
}

//! Let an instance read what TravellingSchema describes.
inline void RegisterTravellingTypes(const duckdb::DBConfig &config) {
	duckdb::ArrowTypeExtension extension(DUCKDB_TYPE, nullptr, ReadTravellingType, nullptr);
	if (!config.HasArrowExtension(extension.GetInfo())) {
		config.RegisterArrowExtension(extension);
	}
}

} // namespace duckling
