// `ATTACH 'duckherder://host:port/database' AS x`, without TYPE.

#include "attach_uri.hpp"

#include "duckdb/common/string_util.hpp"
#include "duckdb/parser/parsed_data/attach_info.hpp"
#include "duckdb/planner/operator/logical_attach.hpp"

using namespace duckdb;

namespace duckherder {

static void SetTypeByScheme(OptimizerExtensionInput &, unique_ptr<LogicalOperator> &plan) {
	if (plan->type != LogicalOperatorType::LOGICAL_ATTACH) {
		return;
	}
	auto &info = *plan->Cast<LogicalAttach>().info;
	if (!StringUtil::StartsWith(StringUtil::Lower(info.path), "duckherder://")) {
		return;
	}
	for (auto &option : info.options) {
		if (StringUtil::CIEquals(option.first, "type")) {
			return;
		}
	}
	info.options["type"] = Value("duckherder");
}

OptimizerExtension AttachUriRewrite() {
	OptimizerExtension extension;
	extension.pre_optimize_function = SetTypeByScheme;
	return extension;
}

} // namespace duckherder
