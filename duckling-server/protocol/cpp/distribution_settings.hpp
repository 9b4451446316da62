// Settings of distributed queries. A client has them too: the server takes those of the session.
#pragma once

#include "duckdb/common/exception.hpp"
#include "duckdb/common/string_util.hpp"
#include "duckdb/main/config.hpp"

namespace duckling {

constexpr const char *DISTRIBUTION = "duckherder_distribution";
constexpr const char *DISTRIBUTION_THRESHOLD = "duckherder_distribution_threshold";
constexpr const char *TASKS_PER_WORKER = "duckherder_tasks_per_worker";
constexpr const char *BROADCAST_LIMIT = "duckherder_broadcast_limit";

inline void CheckDistribution(duckdb::ClientContext &, duckdb::SetScope, duckdb::Value &value) {
	auto mode = duckdb::StringUtil::Lower(value.ToString());
	if (mode != "auto" && mode != "off" && mode != "force") {
		throw duckdb::InvalidInputException("Unrecognized value for %s: \"%s\". Valid values are: auto, off, force",
		                                    DISTRIBUTION, value.ToString());
	}
}

inline void CheckTasksPerWorker(duckdb::ClientContext &, duckdb::SetScope, duckdb::Value &value) {
	auto tasks = value.GetValue<uint64_t>();
	if (tasks == 0 || tasks > 1024) {
		throw duckdb::InvalidInputException("%s must be between 1 and 1024", TASKS_PER_WORKER);
	}
}

inline void RegisterDistributionSettings(duckdb::DBConfig &config) {
	using namespace duckdb;
	if (config.HasExtensionOption(Identifier(DISTRIBUTION))) {
		return;
	}
	config.AddExtensionOption(Identifier(DISTRIBUTION), "Whether queries run on several ducklings: auto, off, force",
	                          LogicalType::VARCHAR, Value("auto"), CheckDistribution);
	config.AddExtensionOption(Identifier(DISTRIBUTION_THRESHOLD),
	                          "Rows of the files of a query from which on it runs on several ducklings",
	                          LogicalType::UBIGINT, Value::UBIGINT(1000000));
	config.AddExtensionOption(Identifier(TASKS_PER_WORKER), "Tasks of a stage for each duckling", LogicalType::UBIGINT,
	                          Value::UBIGINT(1), CheckTasksPerWorker);
	config.AddExtensionOption(Identifier(BROADCAST_LIMIT),
	                          "Rows of one side of a join up to which it may be sent to all ducklings",
	                          LogicalType::UBIGINT, Value::UBIGINT(1000000));
}

} // namespace duckling
