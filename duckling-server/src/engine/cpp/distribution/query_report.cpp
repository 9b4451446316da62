// What tasks have done for a distributed query, in words and in sum.

#include "query_report.hpp"

#include "duckdb/common/string_util.hpp"

using namespace duckdb;

namespace duckling {

namespace {

std::string Grouped(uint64_t number) {
	auto result = std::to_string(number);
	for (auto i = int64_t(result.size()) - 3; i > 0; i -= 3) {
		result.insert(idx_t(i), ",");
	}
	return result;
}

std::string Milliseconds(uint64_t nanoseconds) {
	auto milliseconds = double(nanoseconds) / 1e6;
	return StringUtil::Format(milliseconds < 10 ? "%.1f" : "%.0f", milliseconds);
}

//! "3", or "3–5" if they differ
std::string Range(const std::string &least, const std::string &greatest) {
	return least == greatest ? least : least + "–" + greatest;
}

std::string Sizes(const dh_engine_amount &amount) {
	return Grouped(amount.rows) + (amount.rows == 1 ? " row, " : " rows, ") +
	       StringUtil::BytesToHumanReadableString(amount.bytes);
}

struct Extent {
	uint64_t least = NumericLimits<uint64_t>::Maximum();
	uint64_t greatest = 0;

	void Add(uint64_t value) {
		least = MinValue(least, value);
		greatest = MaxValue(greatest, value);
	}
};

void Add(dh_engine_amount &sum, const dh_engine_amount &amount) {
	sum.rows += amount.rows;
	sum.bytes += amount.bytes;
}

} // namespace

dh_engine_amount QueryReport::Exchanged() const {
	auto result = received;
	for (auto &task : tasks) {
		Add(result, task.received);
	}
	return result;
}

uint64_t QueryReport::CpuNanoseconds() const {
	uint64_t result = 0;
	for (auto &task : tasks) {
		result += task.cpu_nanoseconds;
	}
	return result;
}

std::string QueryReport::Describe(idx_t stage, idx_t task_count) const {
	dh_engine_amount read {0, 0};
	dh_engine_amount made {0, 0};
	Extent rows, elapsed, cpu;
	idx_t reported = 0;
	for (auto &task : tasks) {
		if (task.stage != stage) {
			continue;
		}
		reported++;
		Add(read, task.received);
		Add(made, task.made);
		rows.Add(task.made.rows);
		elapsed.Add(task.elapsed_nanoseconds);
		cpu.Add(task.cpu_nanoseconds);
	}
	if (reported == 0) {
		return std::string();
	}
	auto result = Sizes(made);
	if (reported > 1) {
		result += " (" + Range(Grouped(rows.least), Grouped(rows.greatest)) + " rows a task)";
	}
	if (read.rows > 0) {
		result += " from " + Sizes(read);
	}
	result += ", " + Range(Milliseconds(elapsed.least), Milliseconds(elapsed.greatest)) + " ms, CPU " +
	          Range(Milliseconds(cpu.least), Milliseconds(cpu.greatest)) + " ms";
	if (reported < task_count) {
		result += StringUtil::Format(", %llu not reported", (uint64_t)(task_count - reported));
	}
	return result;
}

} // namespace duckling
