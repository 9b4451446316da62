// How a server executes a statement: its plan, and what it has measured.

#include "server_plan.hpp"

#include "catalog.hpp"
#include "remote_stream.hpp"
#include "scan_state.hpp"

#include "duckdb/common/enum_util.hpp"
#include "duckdb/common/json_document.hpp"
#include "duckdb/common/render_tree.hpp"
#include "duckdb/common/string_util.hpp"
#include "duckdb/execution/execution_context.hpp"
#include "duckdb/main/query_profiler.hpp"
#include "duckdb/parallel/thread_context.hpp"
#include "duckdb/parser/parser.hpp"

using namespace duckdb;

namespace duckherder {

idx_t ServerProfile::Rows() const {
	return operators.empty() ? 0 : operators.front().rows;
}

bool CanBeExplained(const string &sql) {
	try {
		auto parser = Parser::GetBuiltinParser();
		parser.ParseQuery(sql);
		if (parser.statements.size() != 1) {
			return false;
		}
		switch (parser.statements[0]->type) {
		case StatementType::SELECT_STATEMENT:
		case StatementType::INSERT_STATEMENT:
		case StatementType::UPDATE_STATEMENT:
		case StatementType::DELETE_STATEMENT:
		case StatementType::MERGE_INTO_STATEMENT:
		case StatementType::CREATE_STATEMENT:
		case StatementType::DROP_STATEMENT:
		case StatementType::ALTER_STATEMENT:
			return true;
		default:
			return false;
		}
	} catch (const Exception &) {
		return false;
	}
}

//! Runs an EXPLAIN to its end.
static string ReadPlan(ClientContext &context, RemoteCatalog &catalog, SentStatement explain, const string &wanted,
                       bool writes, bool profiles) {
	auto stream = make_uniq<RemoteStream>(context, catalog, std::move(explain), DH_EXECUTE_RUN, writes, nullptr, profiles);
	const vector<LogicalType> types {LogicalType::VARCHAR, LogicalType::VARCHAR};
	CheckColumnTypes(stream->Columns(), types);
	ScanGlobalState global(context, std::move(stream), false);
	ThreadContext thread(context);
	ExecutionContext execution(context, thread, nullptr);
	vector<idx_t> projection;
	TableFunctionInitInput init(nullptr, vector<column_t> {0, 1}, projection, nullptr);
	auto local = ScanInitLocal(execution, init, &global);
	TableFunctionInput input(nullptr, local.get(), &global);
	DataChunk chunk;
	chunk.Initialize(context, types);
	string plan;
	do {
		chunk.Reset();
		ScanFunction(context, input, chunk);
		for (idx_t row = 0; row < chunk.size(); row++) {
			if (chunk.GetValue(0, row).ToString() == wanted) {
				plan = chunk.GetValue(1, row).ToString();
			}
		}
	} while (chunk.size() > 0);
	return plan;
}

static string TextOf(const JSONValue &value) {
	if (value.IsString()) {
		return value.GetString();
	}
	vector<string> lines;
	value.IterateArray([&](JSONValue line) { lines.push_back(line.IsString() ? line.GetString() : line.ToString()); });
	return StringUtil::Join(lines, "\n");
}

static ServerOperator ReadOperator(const JSONValue &json) {
	ServerOperator result;
	auto name = json.GetMember("name");
	auto type = json.GetMember("type");
	result.name = name.IsString() ? name.GetString() : type.IsString() ? type.GetString() : string("UNKNOWN");
	auto seconds = json.GetMember("timing");
	if (seconds.IsNumber()) {
		result.seconds = seconds.GetNumber();
	}
	auto rows = json.GetMember("intermediate_rows");
	if (rows.IsInteger()) {
		result.rows = rows.GetUnsignedInteger();
	}
	auto size = json.GetMember("intermediate_size_bytes");
	if (size.IsInteger()) {
		result.size_bytes = size.GetUnsignedInteger();
	}
	json.GetMember("extra_info").IterateObject([&](const string &key, JSONValue value) {
		result.params[key == "Estimated Cardinality" ? string(RenderTreeNode::ESTIMATED_CARDINALITY) : key] = TextOf(value);
	});
	auto scanned = json.GetMember("row_groups_scanned");
	auto to_scan = json.GetMember("total_row_groups_to_scan");
	if (scanned.IsInteger() && to_scan.IsInteger() && to_scan.GetUnsignedInteger() > 0) {
		result.params["Row Groups Scanned"] =
		    to_string(scanned.GetUnsignedInteger()) + " / " + to_string(to_scan.GetUnsignedInteger());
	}
	json.GetMember("children").IterateArray([&](JSONValue child) { result.children.push_back(ReadOperator(child)); });
	return result;
}

static vector<ServerOperator> ReadOperators(const JSONValue &json) {
	vector<ServerOperator> result;
	json.IterateArray([&](JSONValue op) { result.push_back(ReadOperator(op)); });
	return result;
}

vector<ServerOperator> ExplainOnServer(ClientContext &context, RemoteCatalog &catalog,
                                       const SentStatement &statement) {
	auto plan = ReadPlan(context, catalog, statement.Behind("EXPLAIN (FORMAT json) "), "physical_plan", false, false);
	return ReadOperators(JSONDocument::Parse(plan.c_str(), plan.size())->GetRoot());
}

//! Without what only stands for the EXPLAIN itself.
static vector<ServerOperator> BelowExplain(vector<ServerOperator> operators) {
	for (auto &op : operators) {
		if (op.name == "EXPLAIN_ANALYZE") {
			return std::move(op.children);
		}
		auto found = BelowExplain(std::move(op.children));
		if (!found.empty()) {
			return found;
		}
	}
	return {};
}

ServerProfile AnalyzeOnServer(ClientContext &context, RemoteCatalog &catalog, const SentStatement &statement,
                              bool writes) {
	auto explain = statement.Behind("EXPLAIN (ANALYZE, FORMAT json) ");
	auto text = ReadPlan(context, catalog, std::move(explain), "analyzed_plan", writes, true);
	auto document = JSONDocument::Parse(text.c_str(), text.size(), JSONReadFlags::ALLOW_INF_AND_NAN);
	auto json = document->GetRoot();
	ServerProfile profile;
	auto seconds = json.GetMember("query").GetMember("total_time");
	if (seconds.IsNumber()) {
		profile.seconds = seconds.GetNumber();
	}
	profile.operators = BelowExplain(ReadOperators(json.GetMember("operator")));
	return profile;
}

static unique_ptr<ProfilingNode> ToNode(const ServerOperator &op, idx_t depth) {
	auto node = make_uniq<ProfilingNode>();
	node->depth = depth;
	auto &metrics = node->GetOperatorMetrics();
	metrics.name = op.name;
	try {
		metrics.operator_type = EnumUtil::FromString<PhysicalOperatorType>(op.name);
	} catch (const Exception &) {
		metrics.operator_type = PhysicalOperatorType::EXTENSION;
	}
	metrics.time = op.seconds;
	metrics.elements_returned = op.rows;
	metrics.intermediate_size_bytes = op.size_bytes;
	metrics.SetExtraInfo(op.params);
	for (auto &child : op.children) {
		node->AddChild(ToNode(child, depth + 1));
	}
	return node;
}

void AddToProfile(ClientContext &context, const PhysicalOperator &op, const ServerProfile &profile) {
	auto &profiler = QueryProfiler::Get(context);
	profiler.GetRootUnderLock([&](optional_ptr<ProfilingNode> root) {
		auto entry = profiler.GetTreeMap().find(op);
		if (!root || entry == profiler.GetTreeMap().end()) {
			return;
		}
		auto &node = entry->second.get();
		for (auto &server_operator : profile.operators) {
			node.AddChild(ToNode(server_operator, node.depth + 1));
		}
	});
}

} // namespace duckherder
