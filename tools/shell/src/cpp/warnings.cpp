//! A log that is the terminal, as in DuckDB's own shell.
#include "warnings.hpp"

#include "duckdb/logging/log_manager.hpp"
#include "duckdb/logging/log_storage.hpp"

#include <cstdio>

namespace {

constexpr const char *STORAGE_NAME = "shell_log_storage";

class Terminal : public duckdb::LogStorage {
public:
	const std::string GetStorageName() override {
		return STORAGE_NAME;
	}
	void WriteLogEntry(duckdb::timestamp_t, duckdb::LogLevel level, const std::string &, const std::string &message,
	                   const duckdb::RegisteredLoggingContext &) override {
		if (level == duckdb::LogLevel::LOG_WARNING) {
			fprintf(stderr, "WARNING: %s\n", message.c_str());
		}
	}
	void WriteLogEntries(duckdb::DataChunk &, const duckdb::RegisteredLoggingContext &) override {
	}
	void FlushAll() override {
	}
	void Flush(duckdb::LoggingTargetTable) override {
	}
	bool IsEnabled(duckdb::LoggingTargetTable table) override {
		return table == duckdb::LoggingTargetTable::ALL_LOGS;
	}
};

} // namespace

void PrintWarnings(duckdb::DatabaseInstance &instance) {
	auto &log = instance.GetLogManager();
	duckdb::shared_ptr<duckdb::LogStorage> terminal = duckdb::make_shared_ptr<Terminal>();
	if (log.RegisterLogStorage(STORAGE_NAME, terminal)) {
		log.SetLogStorage(instance, STORAGE_NAME);
		log.SetLogLevel(duckdb::LogLevel::LOG_WARNING);
		log.SetEnableLogging(true);
	}
}
