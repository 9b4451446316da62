//! The progress bar of a query: see progress.hpp.
#include "progress.hpp"

#include "duckdb/common/printer.hpp"

void QueryProgressBar::Update(double percentage) {
	if (closed) {
		return;
	}
	drawn = true;
	TerminalProgressBarDisplay::Update(percentage);
}

void QueryProgressBar::Finish() {
}

void QueryProgressBar::Close(bool completed) {
	if (drawn && !closed) {
		if (completed) {
			TerminalProgressBarDisplay::Finish();
		} else {
			duckdb::Printer::RawPrint(duckdb::OutputStream::STREAM_STDOUT, "\n");
			duckdb::Printer::Flush(duckdb::OutputStream::STREAM_STDOUT);
		}
	}
	closed = true;
}

ProgressForwarder::ProgressForwarder(duckdb::shared_ptr<QueryProgressBar> bar_p) : bar(std::move(bar_p)) {
}

void ProgressForwarder::Update(double percentage) {
	if (bar) {
		bar->Update(percentage);
	}
}

void ProgressForwarder::Finish() {
	if (bar) {
		bar->Finish();
	}
}
