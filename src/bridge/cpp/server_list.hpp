// Table functions whose rows are a list that a server has given.
#pragma once

#include "catalog.hpp"
#include "session_state.hpp"

#include "duckdb/function/table_function.hpp"
#include "duckdb/planner/binder.hpp"

namespace duckherder {

//! A number that the server counts without a sign.
inline duckdb::Value Count(uint64_t number) {
	using namespace duckdb;
	return Value::BIGINT(NumericCast<int64_t>(MinValue<uint64_t>(number, NumericLimits<int64_t>::Maximum())));
}

template <class RECORD>
struct ListColumn {
	const char *name;
	duckdb::LogicalType type;
	duckdb::Value (*value)(const RECORD &record);
};

//! A function `name([catalog])`. `LIST` says what `Record` and `Handle` are, its `Columns()`, and how to `Fetch`, `Free`, read
//! the `Records` and count them.
template <class LIST>
class ServerList {
	using Record = typename LIST::Record;
	using Handle = typename LIST::Handle;

	struct BindData : public duckdb::TableFunctionData {
		explicit BindData(RemoteCatalog &catalog_p) : catalog(catalog_p) {
		}

		RemoteCatalog &catalog;
	};

	struct State : public duckdb::GlobalTableFunctionState {
		~State() override {
			if (list) {
				LIST::Free(list);
			}
		}

		Handle *list = nullptr;
		duckdb::idx_t next = 0;
	};

	static duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext &context,
	                                                     duckdb::TableFunctionBindInput &input,
	                                                     duckdb::vector<duckdb::LogicalType> &return_types,
	                                                     duckdb::vector<duckdb::Identifier> &names) {
		auto &catalog = RemoteCatalog::FindOrOnly(context, input.inputs[0]);
		if (input.binder) {
			// The catalog may be detached before a prepared statement is executed
			input.binder->SetAlwaysRequireRebind();
			input.binder->GetStatementProperties().RegisterDBRead(catalog, context);
		}
		for (auto &column : LIST::Columns()) {
			names.emplace_back(column.name);
			return_types.push_back(column.type);
		}
		return duckdb::make_uniq<BindData>(catalog);
	}

	static duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(duckdb::ClientContext &context,
	                                                                       duckdb::TableFunctionInitInput &input) {
		auto &catalog = input.bind_data->Cast<BindData>().catalog;
		auto state = duckdb::make_uniq<State>();
		Interrupt interrupt(context);
		auto session = catalog.SessionOf(context);
		Check(LIST::Fetch(&session->Get(context), &interrupt, &state->list));
		return std::move(state);
	}

	static void Scan(duckdb::ClientContext &, duckdb::TableFunctionInput &input, duckdb::DataChunk &output) {
		auto &state = input.global_state->Cast<State>();
		auto &columns = LIST::Columns();
		auto count = duckdb::MinValue<duckdb::idx_t>(LIST::RecordCount(*state.list) - state.next, STANDARD_VECTOR_SIZE);
		for (duckdb::idx_t row = 0; row < count; row++) {
			auto &record = LIST::Records(*state.list)[state.next++];
			for (duckdb::idx_t column = 0; column < columns.size(); column++) {
				output.data[column].SetValue(row, columns[column].value(record));
			}
		}
		output.SetChildCardinality(count);
	}

public:
	static duckdb::TableFunction Function(const char *name) {
		using namespace duckdb;
		TableFunction function(name, {}, Scan, Bind, InitGlobal);
		function.GetSignature().AddParameter("catalog", LogicalType::VARCHAR, Value(LogicalType::VARCHAR));
		return function;
	}
};

} // namespace duckherder
