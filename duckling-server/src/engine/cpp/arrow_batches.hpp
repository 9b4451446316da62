// Result format that hands out Arrow batches of bounded rows and bytes.
#pragma once

#include "duckdb/common/arrow/arrow_wrapper.hpp"
#include "duckdb/main/result_format.hpp"
#include "duckdb/main/retained_result_collection.hpp"

#include <chrono>

namespace duckling {

//! A batch is sealed when it holds this many rows or bytes, whichever comes first. A row group is 122,880 rows; about
//! a megabyte keeps both the pipeline and the gRPC messages busy without holding much.
constexpr duckdb::idx_t MAX_BATCH_ROWS = 122880;
constexpr duckdb::idx_t MAX_BATCH_BYTES = 1 << 20;
//! What each thread hands out first is whatever it has first, then batches of this size, twice that, and so on: a reader has
//! its first rows while the statement goes on, and a large result is not cut into small pieces.
constexpr duckdb::idx_t SECOND_BATCH_BYTES = 1 << 16;
//! Rows that come slowly do not wait for more of them: the first one after so long goes out at once.
constexpr std::chrono::milliseconds MAX_BATCH_AGE {100};

//! As duckdb::ArrowFormat, which bounds rows only. DuckDB's own threads do the conversion.
class BoundedArrowFormat : public duckdb::ResultFormat {
public:
	using T = duckdb::ArrowArrayWrapper;
	using GlobalState = duckdb::ResultFormatGlobalState;
	static constexpr const char *NAME = "duckling_arrow";

	const char *Name() const override {
		return NAME;
	}
	duckdb::unique_ptr<duckdb::ResultFormatGlobalState> InitGlobal(const duckdb::ResultFormatContext &context) override;
	duckdb::unique_ptr<duckdb::ResultFormatLocalState> InitLocal(duckdb::ResultFormatGlobalState &gstate) override;
	void AppendToUnit(duckdb::ResultFormatGlobalState &gstate, duckdb::ResultFormatLocalState &lstate,
	                  duckdb::DataChunk &chunk) override;
	bool IsUnitFinished(duckdb::ResultFormatLocalState &lstate) override;
	duckdb::unique_ptr<duckdb::ResultUnit> FinishUnit(duckdb::ResultFormatGlobalState &gstate,
	                                                  duckdb::ResultFormatLocalState &lstate) override;
	duckdb::unique_ptr<duckdb::RetainedResultCollection>
	CreateCollection(duckdb::ClientContext &context, duckdb::ResultFormatGlobalState &gstate,
	                 const duckdb::ResultFormatContext &format_context) override;

	static duckdb::unique_ptr<duckdb::ArrowArrayWrapper> UnpackUnit(duckdb::unique_ptr<duckdb::ResultUnit> unit);
};

} // namespace duckling
