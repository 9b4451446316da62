// Time zones, calendars and collations: DuckDB's ICU extension, where the build has it.

#include "engine_internal.hpp"

#ifdef DUCKLING_ICU
#include "duckdb/main/extension_helper.hpp"
#include "icu_extension.hpp"
#endif

using namespace duckdb;

void duckling::LinkIcu(DBConfig &config) {
#ifdef DUCKLING_ICU
	// As DuckDB's official builds do: DuckDB also finds it by name, such as while it replays a log. In this configuration
	// only, so that other DuckDBs of the process stay as they are. DuckDB's own extensions come first, as ICU adds to the
	// functions of core_functions.
	ExtensionHelper::RegisterLinkedExtensions(config);
	LinkedExtension icu;
	icu.name = "icu";
	icu.load = [](DuckDB &database) {
		database.LoadStaticExtension<IcuExtension>();
	};
	config.linked_extensions.push_back(std::move(icu));
#endif
}
