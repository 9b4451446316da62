// What a plan reads from one attached server, and what it writes there.

#include "plan_sources.hpp"

#include "catalog.hpp"
#include "query_function.hpp"
#include "remote_insert.hpp"
#include "scan_state.hpp"
#include "table_scan.hpp"

#include "duckdb/execution/operator/scan/physical_table_scan.hpp"

using namespace duckdb;

namespace duckherder {

PlanSources PlanSources::Of(const PhysicalOperator &plan, Catalog &catalog) {
	PlanSources sources;
	sources.Add(plan, catalog, false);
	return sources;
}

void PlanSources::Add(const PhysicalOperator &op, Catalog &catalog, bool repeats) {
	switch (op.type) {
	case PhysicalOperatorType::TABLE_SCAN: {
		auto &scan = op.Cast<PhysicalTableScan>();
		auto &name = scan.function.GetName().GetIdentifierName();
		auto is_query = name == QUERY_FUNCTION_NAME;
		if ((is_query || name == TABLE_SCAN_NAME) && &scan.bind_data->Cast<RemoteScanData>().catalog == &catalog) {
			(is_query ? queries : scans)++;
			is_repeated = is_repeated || repeats;
		}
		break;
	}
	case PhysicalOperatorType::EXTENSION:
		if (RemoteInsert::Is(op) && &op.Cast<RemoteInsert>().GetCatalog() == &catalog) {
			inserts++;
		}
		break;
	case PhysicalOperatorType::RECURSIVE_CTE:
	case PhysicalOperatorType::RECURSIVE_KEY_CTE:
		repeats = true;
		break;
	default:
		break;
	}
	for (auto &child : op.GetChildren()) {
		Add(child.get(), catalog, repeats);
	}
}

} // namespace duckherder
