// Result format that hands out Arrow batches of bounded rows and bytes.

#include "arrow_batches.hpp"

#include "keeps_types.hpp"
#include "transferable.hpp"

#include "duckdb/common/arrow/arrow_appender.hpp"
#include "duckdb/common/arrow/arrow_type_extension.hpp"
#include "duckdb/common/types/data_chunk.hpp"

using namespace duckdb;

namespace duckling {

namespace {

//! What all batches of one result have in common.
class BatchColumns : public ResultFormatGlobalState {
public:
	explicit BatchColumns(const ResultFormatContext &context)
	    : types(context.types), properties(context.client_properties),
	      keeps_types(KeepsTypes(*properties.client_context)),
	      extensions(ResultExtensions(*properties.client_context, types)) {
	}

	vector<LogicalType> types;
	ClientProperties properties;
	bool keeps_types;
	ExtensionTypes extensions;
};

class BatchUnit : public ResultUnit {
public:
	BatchUnit(idx_t row_count, idx_t byte_size, unique_ptr<ArrowArrayWrapper> array_p)
	    : ResultUnit(row_count, byte_size), array(std::move(array_p)) {
	}

	unique_ptr<ArrowArrayWrapper> array;
};

class BatchBuilder : public ResultFormatLocalState {
public:
	//! Created at the first row that goes into it
	unique_ptr<ArrowAppender> appender;

	bool IsFull() const {
		return appender && (appender->RowCount() >= MAX_BATCH_ROWS || appender->ByteSize() >= max_bytes ||
		                    Clock::now() - last_sealed >= MAX_BATCH_AGE);
	}

	unique_ptr<ResultUnit> Seal() {
		if (!appender || appender->RowCount() == 0) {
			return nullptr;
		}
		// Finalize hands the buffers to the array, so the size is read before it
		auto rows = appender->RowCount();
		auto bytes = appender->ByteSize();
		auto array = make_uniq<ArrowArrayWrapper>();
		array->arrow_array = appender->Finalize();
		appender.reset();
		max_bytes = MinValue(MAX_BATCH_BYTES, MaxValue(SECOND_BATCH_BYTES, 2 * max_bytes));
		last_sealed = Clock::now();
		return make_uniq<BatchUnit>(rows, bytes, std::move(array));
	}

private:
	using Clock = std::chrono::steady_clock;

	idx_t max_bytes = 0;
	Clock::time_point last_sealed = Clock::now();
};

} // namespace

unique_ptr<ResultFormatGlobalState> BoundedArrowFormat::InitGlobal(const ResultFormatContext &context) {
	return make_uniq<BatchColumns>(context);
}

unique_ptr<ResultFormatLocalState> BoundedArrowFormat::InitLocal(ResultFormatGlobalState &gstate) {
	return make_uniq<BatchBuilder>();
}

void BoundedArrowFormat::AppendToUnit(ResultFormatGlobalState &gstate_p, ResultFormatLocalState &lstate_p,
                                      DataChunk &chunk) {
	auto &columns = gstate_p.Cast<BatchColumns>();
	auto &builder = lstate_p.Cast<BatchBuilder>();
	if (!builder.appender) {
		builder.appender = make_uniq<ArrowAppender>(columns.types, STANDARD_VECTOR_SIZE, columns.properties,
		                                            columns.extensions);
	}
	if (!columns.keeps_types) {
		CheckTransferable(chunk);
	}
	builder.appender->Append(chunk, 0, chunk.size(), chunk.size());
}

bool BoundedArrowFormat::IsUnitFinished(ResultFormatLocalState &lstate) {
	return lstate.Cast<BatchBuilder>().IsFull();
}

unique_ptr<ResultUnit> BoundedArrowFormat::FinishUnit(ResultFormatGlobalState &gstate, ResultFormatLocalState &lstate) {
	return lstate.Cast<BatchBuilder>().Seal();
}

unique_ptr<RetainedResultCollection> BoundedArrowFormat::CreateCollection(ClientContext &context,
                                                                          ResultFormatGlobalState &gstate,
                                                                          const ResultFormatContext &format_context) {
	return make_uniq<DefaultRetainedCollection<BoundedArrowFormat>>(*this, gstate);
}

unique_ptr<ArrowArrayWrapper> BoundedArrowFormat::UnpackUnit(unique_ptr<ResultUnit> unit) {
	if (!unit) {
		return nullptr;
	}
	return std::move(unit->Cast<BatchUnit>().array);
}

} // namespace duckling
