// How values lie in Parquet files, so that they come back as they were.
#pragma once

#include "duckdb/planner/expression.hpp"

namespace duckling {

//! The type that a column of type `type` has in files: the same if Parquet keeps it.
duckdb::LogicalType StoredType(const duckdb::LogicalType &type);
//! Turn values of a column into what is stored.
duckdb::unique_ptr<duckdb::Expression> Encode(duckdb::ClientContext &context, duckdb::unique_ptr<duckdb::Expression> value);
//! Turn what is stored into values of a column of type `type`.
duckdb::unique_ptr<duckdb::Expression> Decode(duckdb::ClientContext &context, duckdb::unique_ptr<duckdb::Expression> stored,
                                              const duckdb::LogicalType &type);

//! Turn a value of any type into a BLOB, and back into a value of type `type`.
duckdb::unique_ptr<duckdb::Expression> Pack(duckdb::ClientContext &context, duckdb::unique_ptr<duckdb::Expression> value);
duckdb::unique_ptr<duckdb::Expression> Unpack(duckdb::ClientContext &context, duckdb::unique_ptr<duckdb::Expression> packed,
                                              const duckdb::LogicalType &type);

} // namespace duckling
