// Values that DuckDB's own conversion to Arrow would change silently: not for clients that read nothing else.
#pragma once

#include "duckdb/common/exception.hpp"
#include "duckdb/common/type_visitor.hpp"
#include "duckdb/common/types/data_chunk.hpp"
#include "duckdb/common/types/interval.hpp"
#include "duckdb/common/types/vector.hpp"
#include "duckdb/common/vector/array_vector.hpp"
#include "duckdb/common/vector/list_vector.hpp"
#include "duckdb/common/vector/struct_vector.hpp"

namespace duckling {

//! Arrow counts the time of an INTERVAL in nanoseconds, and the conversion wraps around beyond 292 years.
inline void CheckTransferable(const duckdb::Vector &vector) {
	using namespace duckdb;
	constexpr int64_t MAX_MICROS = NumericLimits<int64_t>::Maximum() / Interval::NANOS_PER_MICRO;
	auto &type = vector.GetType();
	if (type.id() == LogicalTypeId::INTERVAL) {
		for (auto entry : vector.Values<interval_t>()) {
			if (entry.IsValid() && (entry.GetValue().micros > MAX_MICROS || entry.GetValue().micros < -MAX_MICROS)) {
				throw OutOfRangeException("INTERVAL %s cannot be transferred: its time is beyond 292 years. Cast it to "
				                          "VARCHAR first",
				                          Interval::ToString(entry.GetValue()));
			}
		}
		return;
	}
	if (!type.IsNested() || !TypeVisitor::Contains(type, LogicalTypeId::INTERVAL)) {
		return;
	}
	vector.Flatten();
	switch (type.InternalType()) {
	case PhysicalType::LIST:
		CheckTransferable(ListVector::GetChild(vector));
		break;
	case PhysicalType::ARRAY:
		CheckTransferable(ArrayVector::GetChild(vector));
		break;
	case PhysicalType::STRUCT:
		for (auto &field : StructVector::GetEntries(vector)) {
			CheckTransferable(field);
		}
		break;
	default:
		break;
	}
}

//! As above, for every column.
inline void CheckTransferable(const duckdb::DataChunk &chunk) {
	for (auto &column : chunk.data) {
		CheckTransferable(column);
	}
}

} // namespace duckling
