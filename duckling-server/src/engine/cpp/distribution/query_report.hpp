// What tasks have done for a distributed query.
#pragma once

#include "distributed_query.hpp"

#include "engine.h"

namespace duckling {

struct QueryReport {
	explicit QueryReport(const dh_engine_query_report &report)
	    : workers(report.workers), received(report.received), tasks(report.tasks, report.tasks + report.task_count) {
	}

	//! What went between tasks, and from the last ones to the driver.
	dh_engine_amount Exchanged() const;
	uint64_t CpuNanoseconds() const;
	//! What the tasks of a stage have done, in words; empty if none has reported.
	std::string Describe(duckdb::idx_t stage, duckdb::idx_t task_count) const;

	uint64_t workers;
	dh_engine_amount received;
	duckdb::vector<dh_engine_task_report> tasks;
};

} // namespace duckling
