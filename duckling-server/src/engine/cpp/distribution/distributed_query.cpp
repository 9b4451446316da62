// How a distributed query is written down: for Rust, and for people.

#include "distributed_query.hpp"

#include "duckdb/common/string_util.hpp"

using namespace duckdb;

namespace duckling {

namespace {

std::string Quoted(const std::string &text) {
	std::string result = "\"";
	for (unsigned char c : text) {
		if (c == '"' || c == '\\') {
			result += '\\';
			result += char(c);
		} else if (c < 0x20) {
			result += StringUtil::Format("\\u%04x", (int)c);
		} else {
			result += char(c);
		}
	}
	return result + "\"";
}

template <class T, class F>
std::string List(const T &items, F &&write) {
	std::string result = "[";
	for (auto &item : items) {
		if (result.size() > 1) {
			result += ",";
		}
		result += write(item);
	}
	return result + "]";
}

const char *Name(Exchange exchange) {
	switch (exchange) {
	case Exchange::SHUFFLE:
		return "Shuffle";
	case Exchange::BROADCAST:
		return "Broadcast";
	default:
		return "Gather";
	}
}

} // namespace

idx_t DistributedQuery::TaskCount() const {
	idx_t result = 0;
	for (auto &stage : stages) {
		result += stage.feed.IsValid() ? 0 : stage.tasks;
	}
	return result;
}

std::string DistributedQuery::ToJson() const {
	auto write_input = [](const StageInput &input) {
		return "{\"name\":" + Quoted(input.name) + ",\"stage\":" + std::to_string(input.stage) + ",\"exchange\":\"" +
		       Name(input.exchange) + "\"}";
	};
	auto write_scan = [](const StageScan &scan) {
		return "{\"name\":" + Quoted(scan.name) + ",\"sql\":" + List(scan.sql, Quoted) + "}";
	};
	auto write_stage = [&](const Stage &stage) {
		auto feed = stage.feed.IsValid() ? ",\"feed\":" + std::to_string(stage.feed.GetIndex()) : std::string();
		return "{\"sql\":" + Quoted(stage.sql) + feed + ",\"tasks\":" + std::to_string(stage.tasks) +
		       ",\"hashed\":" + (stage.hashed ? "true" : "false") + ",\"inputs\":" + List(stage.inputs, write_input) +
		       ",\"scans\":" + List(stage.scans, write_scan) + "}";
	};
	auto write_setting = [](const std::pair<std::string, std::string> &setting) {
		return "[" + Quoted(setting.first) + "," + Quoted(setting.second) + "]";
	};
	return "{\"stages\":" + List(stages, write_stage) + ",\"settings\":" + List(settings, write_setting) + "}";
}

std::string DistributedQuery::Describe() const {
	std::string result;
	for (idx_t i = 0; i < stages.size(); i++) {
		auto &stage = stages[i];
		if (stage.feed.IsValid()) {
			result += StringUtil::Format("Stage %llu, fed by the driver\n", (uint64_t)i + 1);
			continue;
		}
		result += StringUtil::Format("Stage %llu, %llu %s", (uint64_t)i + 1, (uint64_t)stage.tasks,
		                             stage.tasks == 1 ? "task" : "tasks");
		for (auto &input : stage.inputs) {
			result += StringUtil::Format(", %s of stage %llu", StringUtil::Lower(Name(input.exchange)),
			                             (uint64_t)input.stage + 1);
		}
		result += ": " + stage.sql + "\n";
		for (auto &scan : stage.scans) {
			result += "  " + scan.name + ": " + scan.sql[0] + "\n";
		}
	}
	return result;
}

} // namespace duckling
