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

//! The SQL with another name in the place of `name`, which nothing else is called.
std::string WithName(const std::string &sql, const std::string &name, const std::string &other) {
	std::string result;
	idx_t begin = 0;
	for (auto found = sql.find(name); found != std::string::npos; found = sql.find(name, found + name.size())) {
		auto end = found + name.size();
		if (end < sql.size() && StringUtil::CharacterIsDigit(sql[end])) {
			continue;
		}
		result += sql.substr(begin, found - begin) + other;
		begin = end;
	}
	return result + sql.substr(begin);
}

//! Break a line where it has a space that is in no quotes.
std::string Wrapped(const std::string &sql) {
	static constexpr idx_t WIDTH = 100;
	std::string result;
	idx_t begin = 0;
	idx_t last_space = 0;
	char quote = 0;
	for (idx_t i = 0; i < sql.size(); i++) {
		if (quote) {
			quote = sql[i] == quote ? 0 : quote;
		} else if (sql[i] == '\'' || sql[i] == '"') {
			quote = sql[i];
		} else if (sql[i] == ' ') {
			last_space = i;
		}
		if (i - begin >= WIDTH && last_space > begin) {
			result += sql.substr(begin, last_space - begin) + "\n";
			begin = last_space + 1;
		}
	}
	return result + sql.substr(begin);
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
		auto target = stage.target.empty() ? std::string() : ",\"target\":" + Quoted(stage.target);
		return "{\"sql\":" + Quoted(stage.sql) + feed + target + ",\"tasks\":" + std::to_string(stage.tasks) +
		       ",\"hashed\":" + (stage.hashed ? "true" : "false") + ",\"inputs\":" + List(stage.inputs, write_input) +
		       ",\"scans\":" + List(stage.scans, write_scan) + "}";
	};
	auto write_setting = [](const std::pair<std::string, std::string> &setting) {
		return "[" + Quoted(setting.first) + "," + Quoted(setting.second) + "]";
	};
	return "{\"stages\":" + List(stages, write_stage) + ",\"settings\":" + List(settings, write_setting) + "}";
}

std::string DistributedQuery::StageName(idx_t stage) {
	return StringUtil::Format("Stage %llu", (uint64_t)stage + 1);
}

std::string DistributedQuery::Heading(idx_t index) const {
	auto &stage = stages[index];
	if (stage.feed.IsValid()) {
		return "fed by the driver";
	}
	auto result = std::to_string(stage.tasks) + (stage.tasks == 1 ? " task" : " tasks");
	for (auto &input : stage.inputs) {
		result += ", " + StringUtil::Lower(Name(input.exchange)) + " of " + StringUtil::Lower(StageName(input.stage));
	}
	return result;
}

InsertionOrderPreservingMap<std::string> DistributedQuery::Describe() const {
	InsertionOrderPreservingMap<std::string> result;
	result["Mode"] = mode;
	result["Merge"] = merge;
	result["Tasks"] = std::to_string(TaskCount());
	for (idx_t i = 0; i < stages.size(); i++) {
		auto &stage = stages[i];
		auto name = StageName(i);
		result[name] = Heading(i);
		if (stage.feed.IsValid()) {
			continue;
		}
		auto sql = stage.sql;
		for (auto &input : stage.inputs) {
			sql = WithName(sql, input.name, StringUtil::Format("stage_%llu", (uint64_t)input.stage + 1));
		}
		result[name + " SQL"] = Wrapped(stage.target.empty() ? sql : "COPY (" + sql + ") " + stage.target);
		for (auto &scan : stage.scans) {
			result[name + " " + scan.name] = Wrapped(scan.sql[0]);
		}
	}
	return result;
}

} // namespace duckling
