//! DuckDB's box renderer over a streamed result, of which only the rows that are drawn stay in memory.
#include "handles.hpp"

#include "duckdb/common/box_renderer.hpp"

#include <deque>

namespace {

//! Above this many drawn rows the result is collected in DuckDB's buffer manager, which can spill to disk.
constexpr uint64_t MAX_HELD_ROWS = 100000;
//! The renderer draws up to this many rows more than asked for rather than hide them.
constexpr uint64_t ROWS_BEYOND_LIMIT = 3;

//! The first and last chunks of a result and the count of all rows: what the renderer reads of a long result.
class HeadAndTail : public duckdb::ColumnDataCollectionRenderInterface {
public:
	HeadAndTail(const duckdb::vector<duckdb::LogicalType> &types_p, uint64_t max_rows)
	    : types(types_p), head_rows_needed(max_rows + ROWS_BEYOND_LIMIT + 1), tail_rows_needed(max_rows) {
	}

	void Append(duckdb::unique_ptr<duckdb::DataChunk> chunk) {
		row_count += chunk->size();
		if (head_rows < head_rows_needed) {
			head_rows += chunk->size();
			head.push_back(std::move(chunk));
			return;
		}
		tail_rows += chunk->size();
		tail.push_back(std::move(chunk));
		while (tail_rows - tail.front()->size() >= tail_rows_needed && tail.size() > 1) {
			tail_rows -= tail.front()->size();
			tail.pop_front();
		}
	}

	const duckdb::vector<duckdb::LogicalType> &Types() const override {
		return types;
	}
	duckdb::idx_t Count() const override {
		return row_count;
	}
	duckdb::idx_t ColumnCount() const override {
		return types.size();
	}
	duckdb::idx_t ChunkCount() const override {
		return head.size() + tail.size();
	}
	void FetchChunk(duckdb::idx_t index, duckdb::DataChunk &result) const override {
		auto &chunk = index < head.size() ? head[index] : tail[index - head.size()];
		result.Reset();
		chunk->Copy(result);
	}

private:
	const duckdb::vector<duckdb::LogicalType> &types;
	uint64_t head_rows_needed;
	uint64_t tail_rows_needed;
	std::deque<duckdb::unique_ptr<duckdb::DataChunk>> head;
	std::deque<duckdb::unique_ptr<duckdb::DataChunk>> tail;
	uint64_t head_rows = 0;
	uint64_t tail_rows = 0;
	uint64_t row_count = 0;
};

std::string Draw(dh_query &query, const dh_box_config &config,
                 const duckdb::ColumnDataCollectionRenderInterface &rows) {
	duckdb::BoxRendererConfig box;
	box.max_rows = config.max_rows;
	box.max_width = config.max_width;
	box.null_value = std::string(config.null_value.data, config.null_value.size);
	box.render_mode = config.columns_mode ? duckdb::RenderMode::COLUMNS : duckdb::RenderMode::ROWS;
	box.large_number_rendering = static_cast<duckdb::LargeNumberRendering>(config.large_numbers);
	duckdb::ClientBoxRendererContext context(query.session.Context());
	return duckdb::BoxRenderer(box).ToString(context, query.names, rows);
}

} // namespace

dh_error *dh_query_box(dh_query *query, dh_box_config config, dh_text **out) noexcept {
	return Guard([&]() {
		auto &bar = *query->session.progress->current;
		if (query->retained) {
			duckdb::ColumnDataCollectionWrapper rows(query->retained->Collection());
			*out = new dh_text {Draw(*query, config, rows)};
			return;
		}
		if (config.max_rows > MAX_HELD_ROWS) {
			duckdb::ColumnDataCollection collection(query->session.Context(), query->types);
			while (auto chunk = query->Fetch()) {
				collection.Append(*chunk);
			}
			bar.Close(true);
			duckdb::ColumnDataCollectionWrapper rows(collection);
			*out = new dh_text {Draw(*query, config, rows)};
			return;
		}
		HeadAndTail rows(query->types, config.max_rows);
		while (auto chunk = query->Fetch()) {
			rows.Append(std::move(chunk));
		}
		bar.Close(true);
		*out = new dh_text {Draw(*query, config, rows)};
	});
}
