// Settings of the client that change what a statement means.

#include "mirrored_settings.hpp"

using namespace duckdb;

namespace duckherder {

static const string TIME_ZONE = "TimeZone";
//! What a DuckDB without ICU works in; it has no such setting
static const string DEFAULT_TIME_ZONE = "UTC";

static const string NAMES[] = {"Calendar",
                               TIME_ZONE,
                               "default_collation",
                               "default_null_order",
                               "default_order",
                               "error_on_division_by_zero",
                               "ieee_floating_point_ops",
                               "integer_division",
                               "old_implicit_casting",
                               "order_by_non_integer_literal",
                               "preserve_insertion_order",
                               "scalar_subquery_error_on_multiple_rows"};

//! Without it, DuckDB shows none of an INSERT of VALUES, for example
static const string PROFILING_COVERAGE = "profiling_coverage";
static const string ALL_OPERATORS = "ALL";

MirroredSettings::MirroredSettings(ClientContext &context, bool profiles) {
	values.reserve(std::size(NAMES));
	for (auto &name : NAMES) {
		Value value;
		if (context.TryGetCurrentSetting(Identifier(name), value) && !value.IsNull()) {
			values.push_back(value.ToString());
		} else if (name == TIME_ZONE) {
			// The server's own default is the zone of its machine
			values.push_back(DEFAULT_TIME_ZONE);
		} else {
			continue;
		}
		views.push_back({ToStr(name), ToStr(values.back())});
	}
	if (profiles) {
		views.push_back({ToStr(PROFILING_COVERAGE), ToStr(ALL_OPERATORS)});
	}
}

} // namespace duckherder
