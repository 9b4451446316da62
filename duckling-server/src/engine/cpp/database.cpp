// Instances, which begin without databases.

#include "engine_internal.hpp"
#include "object_store/object_file_system.hpp"
#include "tables/duckling_catalog.hpp"
#include "travelling_types.hpp"

#include "duckdb/main/database_manager.hpp"
#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/storage/buffer_manager.hpp"

using namespace duckdb;
using duckling::Guard;
using duckling::ToString;

const char *dh_engine_duckdb_version() noexcept {
	return DuckDB::LibraryVersion();
}

static void SetOption(DBConfig &config, dh_engine_str name, dh_engine_str value) {
	config.SetOptionByName(Identifier(ToString(name)), Value(ToString(value)));
}

dh_engine_error *dh_engine_setting_check(dh_engine_str name, dh_engine_str value) noexcept {
	return Guard([&]() {
		DBConfig config;
		SetOption(config, name, value);
	});
}

dh_engine_error *dh_engine_database_open(const dh_engine_option *options, size_t option_count,
                                         const dh_engine_object_stores *stores, dh_engine_database **out) noexcept {
	return Guard([&]() {
		DBConfig config;
		duckling::LinkIcu(config);
		for (size_t i = 0; i < option_count; i++) {
			SetOption(config, options[i].name, options[i].value);
		}
		auto database = DuckDB::CreateEmpty(&config);
		duckling::RegisterTravellingTypes(DBConfig::GetConfig(*database->instance));
		duckling::RegisterTables(*database->instance);
		duckling::RegisterObjectStores(*database->instance, *stores);
		*out = new dh_engine_database {std::move(database)};
	});
}

dh_engine_error *dh_engine_database_set_default(dh_engine_database *database, dh_engine_str name) noexcept {
	return Guard([&]() {
		DatabaseManager::Get(*database->database->instance).SetDefaultDatabase(Identifier(ToString(name)));
	});
}

dh_engine_error *dh_engine_database_resources(dh_engine_database *database, dh_engine_resources *out) noexcept {
	return Guard([&]() {
		auto &instance = *database->database->instance;
		auto &memory = BufferManager::GetBufferManager(instance);
		auto threads = TaskScheduler::GetScheduler(instance).NumberOfThreads();
		*out = dh_engine_resources {threads, memory.GetMaxMemory(), memory.GetUsedMemory()};
	});
}

dh_engine_error *dh_engine_database_close(dh_engine_database *database) noexcept {
	return Guard([&]() { database->database.reset(); });
}

void dh_engine_database_free(dh_engine_database *database) noexcept {
	dh_engine_error_free(Guard([&]() { delete database; }));
}
