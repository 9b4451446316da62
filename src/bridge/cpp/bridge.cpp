// Registration, and what every call across the boundary needs.

#include "attach_uri.hpp"
#include "bridge_internal.hpp"
#include "cluster_functions.hpp"
#include "copy_database.hpp"
#include "distribution_settings.hpp"
#include "explain.hpp"
#include "join_keys.hpp"
#include "load_extension.hpp"
#include "local_inputs.hpp"
#include "query_function.hpp"
#include "rebuild_index_function.hpp"
#include "registered_pragmas.hpp"
#include "sequence_functions.hpp"
#include "server_extensions.hpp"
#include "server_query_history.hpp"
#include "statement_state.hpp"
#include "table_care.hpp"
#include "statement_with_inputs.hpp"
#include "storage.hpp"
#include "travelling_types.hpp"
#include "workers_function.hpp"

#include "duckdb/main/capi_v2/capi_v2_internal.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/storage/storage_extension.hpp"

#include <cstdlib>
#include <cstring>

using namespace duckdb;

namespace duckherder {

static const dh_callbacks *rust_callbacks = nullptr;

const dh_callbacks &Rust() {
	return *rust_callbacks;
}

bool RemoteError::HasPosition() const {
	return extra_info.count("position") > 0;
}

void RemoteError::SetPosition(QueryLocation location) {
	extra_info.erase("position");
	extra_info.erase("location");
	Exception::SetQueryLocation(location, extra_info);
}

RemoteError TakeError(dh_error *error) {
	RemoteError result;
	result.type = Exception::StringToExceptionType(ToString(error->class_name));
	if (result.type == ExceptionType::INVALID) {
		result.type = ExceptionType::IO;
	}
	result.message = ToString(error->message);
	for (size_t i = 0; i < error->detail_count; i++) {
		result.extra_info[ToString(error->details[i].name)] = ToString(error->details[i].value);
	}
	Rust().error_free(error);
	return result;
}

void Check(dh_error *error) {
	if (!error) {
		return;
	}
	auto taken = TakeError(error);
	taken.SetPosition(QueryLocation());
	throw Exception(taken.extra_info, taken.type, taken.message);
}

LogicalType ParseType(ClientContext &context, dh_str text) {
	return duckling::ParseType(context, ToString(text));
}

static dh_str WhyInterrupted(void *context) noexcept {
	static const string CANCELLED = "Interrupted!";
	static const string OUT_OF_TIME = ClientContext::QUERY_DEADLINE_ERROR;
	auto &client = *static_cast<ClientContext *>(context);
	try {
		client.BlockingInterruptCheck();
		return {};
	} catch (...) {
		return ToStr(client.IsInterrupted() ? CANCELLED : OUT_OF_TIME);
	}
}

Interrupt::Interrupt(ClientContext &client) : dh_interrupt {WhyInterrupted, &client} {
}

void IgnoreInterrupts(ClientContext &client) {
	client.SuppressInterrupts();
	client.query_deadline = optional_idx();
	StatementState::Of(client).TookEffect();
}

} // namespace duckherder

char *dh_bridge_register(void *extension, const dh_callbacks *callbacks) noexcept {
	try {
		duckherder::rust_callbacks = callbacks;
		auto &loader = capiv2::GetExtensionLoader(static_cast<duckdb_v2_extension_handle>(extension));
		auto &config = DBConfig::GetConfig(loader.GetDatabaseInstance());
		StorageExtension::Register(config, "duckherder", make_shared_ptr<duckherder::Storage>());
		OptimizerExtension::Register(config, duckherder::AttachUriRewrite());
		OptimizerExtension::Register(config, duckherder::RuntimeFiltersOfJoins());
		OptimizerExtension::Register(config, duckherder::ExplainRemotePlans());
		PlannerExtension::Register(config, duckherder::ReturnTypeOfStatementsWithInputs());
		PlannerExtension::Register(config, duckherder::IndexesWithTheirTables());
		duckling::RegisterTravellingTypes(config);
		duckling::RegisterDistributionSettings(config);
		duckherder::RegisterStatementState(loader.GetDatabaseInstance());
		loader.RegisterFunction(duckherder::QueryFunction());
		loader.RegisterFunction(duckherder::InputFunction());
		loader.RegisterFunction(duckherder::RegisterRemoteTable());
		loader.RegisterFunction(duckherder::UnregisterRemoteTable());
		loader.RegisterFunction(duckherder::ServerExtensions());
		loader.RegisterFunction(duckherder::ServerQueryHistory());
		loader.RegisterFunction(duckherder::QueryExecutionStats());
		loader.RegisterFunction(duckherder::LoadExtension());
		loader.RegisterFunction(duckherder::RegisterWorker());
		loader.RegisterFunction(duckherder::UnregisterWorker());
		loader.RegisterFunction(duckherder::RegisterOrReplaceDriver());
		loader.RegisterFunction(duckherder::GetWorkerCount());
		loader.RegisterFunction(duckherder::WorkersFunction());
		loader.RegisterFunction(duckherder::RebuildIndexFunction());
		for (auto &function : duckherder::TableCareFunctions()) {
			loader.RegisterFunction(function);
		}
		duckherder::ExtendSequenceFunctions(loader.GetDatabaseInstance());
		return nullptr;
	} catch (const std::exception &ex) {
		return strdup(ErrorData(ex).RawMessage().c_str());
	} catch (...) {
		return strdup("unknown C++ exception");
	}
}

void dh_message_free(char *message) noexcept {
	std::free(message);
}
