//! DuckDB's progress bar, kept on until the shell has read the whole result. DuckDB itself ends the bar when the first
//! row is ready, and would go on drawing it between the rows.
#pragma once

#include "duckdb/common/progress_bar/display/terminal_progress_bar_display.hpp"
#include "duckdb/common/shared_ptr.hpp"

//! The bar of one query.
class QueryProgressBar : public duckdb::TerminalProgressBarDisplay {
public:
	void Update(double percentage) override;
	void Finish() override;
	//! Draw the last state, end the line and draw nothing more.
	void Close(bool completed);

private:
	bool closed = false;
	bool drawn = false;
};

//! The bar of the session's current query; the displays that DuckDB creates draw on it.
struct ProgressSlot {
	duckdb::shared_ptr<QueryProgressBar> current;
};

//! What DuckDB owns: it is gone when the query ends, the bar is not.
class ProgressForwarder : public duckdb::ProgressBarDisplay {
public:
	explicit ProgressForwarder(duckdb::shared_ptr<QueryProgressBar> bar_p);
	void Update(double percentage) override;
	void Finish() override;

private:
	duckdb::shared_ptr<QueryProgressBar> bar;
};
