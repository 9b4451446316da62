// nextval, currval and setval of the sequences of attached servers.

#include "sequence_functions.hpp"

#include "catalog.hpp"
#include "remote_stream.hpp"
#include "server_names.hpp"

#include "duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/common/enums/database_modification_type.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"

using namespace duckdb;

namespace duckherder {

//! What DuckDB binds these functions with
static bind_scalar_function_t bind_local = nullptr;

namespace {

struct RemoteSequence : public FunctionData {
	RemoteSequence(RemoteCatalog &catalog, string function, string name)
	    : catalog(catalog), function(std::move(function)), name(std::move(name)) {
	}

	unique_ptr<FunctionData> Copy() const override {
		return make_uniq<RemoteSequence>(catalog, function, name);
	}
	bool Equals(const FunctionData &other_p) const override {
		auto &other = other_p.Cast<RemoteSequence>();
		return &catalog == &other.catalog && function == other.function && name == other.name;
	}

	RemoteCatalog &catalog;
	string function;
	//! As the server knows it, in a SQL literal
	string name;
};

} // namespace

//! One call for each row of `args`, in their order.
static string CallsFor(const RemoteSequence &sequence, DataChunk &args) {
	auto call = "SELECT " + sequence.function + "(" + sequence.name;
	if (args.ColumnCount() == 1) {
		return call + ") FROM range(" + to_string(args.size()) + ")";
	}
	vector<string> rows;
	for (idx_t row = 0; row < args.size(); row++) {
		vector<string> values;
		for (idx_t column = 1; column < args.ColumnCount(); column++) {
			auto value = args.GetValue(column, row);
			values.push_back("CAST(" + value.ToSQLString() + " AS " + value.type().ToString() + ")");
		}
		rows.push_back("(" + StringUtil::Join(values, ", ") + ")");
	}
	vector<string> columns;
	for (idx_t column = 1; column < args.ColumnCount(); column++) {
		columns.push_back("c" + to_string(column));
	}
	auto list = StringUtil::Join(columns, ", ");
	return call + ", " + list + ") FROM (VALUES " + StringUtil::Join(rows, ", ") + ") t(" + list + ")";
}

static void Run(DataChunk &args, ExpressionState &state, Vector &result) {
	auto &sequence = state.expr.Cast<BoundFunctionExpression>().BindInfo()->Cast<RemoteSequence>();
	auto &context = state.GetContext();
	result.SetVectorType(VectorType::FLAT_VECTOR);
	auto values = FlatVector::Writer<int64_t>(result, args.size());
	RemoteStream stream(context, sequence.catalog, SentStatement(CallsFor(sequence, args)), DH_EXECUTE_RUN, true);
	idx_t count = 0;
	Interrupt interrupt(context);
	while (auto batch = stream.Next(interrupt)) {
		auto &rows = batch->arrow_array;
		auto &column = *rows.children[0];
		auto validity = static_cast<const uint8_t *>(column.buffers[0]);
		auto data = static_cast<const int64_t *>(column.buffers[1]);
		for (int64_t row = 0; row < rows.length; row++, count++) {
			auto at = rows.offset + column.offset + row;
			if (validity && !(validity[at / 8] >> (at % 8) & 1)) {
				values.WriteNull();
			} else {
				values.WriteValue(data[at]);
			}
		}
	}
	if (count != args.size()) {
		throw IOException("The server answered %s with %llu values instead of %llu", sequence.function,
		                  (uint64_t)count, (uint64_t)args.size());
	}
}

static void RegisterUse(ClientContext &context, FunctionModifiedDatabasesInput &input) {
	if (!input.bind_data) {
		return;
	}
	auto &sequence = input.bind_data->Cast<RemoteSequence>();
	if (sequence.function == "currval") {
		input.properties.RegisterDBRead(sequence.catalog, context);
	} else {
		input.properties.RegisterDBModify(sequence.catalog, context, DatabaseModificationType::SEQUENCE);
	}
}

static optional_ptr<CatalogEntry> FindSequence(Binder &binder, const string &text) {
	QualifiedName name;
	string error;
	if (!QualifiedName::TryParse(text, name, error)) {
		return nullptr;
	}
	auto &retriever = binder.EntryRetriever();
	EntryLookupInfo lookup(CatalogType::SEQUENCE_ENTRY, Binder::BindTableName(retriever, name));
	return retriever.GetEntry(lookup, OnEntryNotFound::RETURN_NULL);
}

static unique_ptr<FunctionData> Bind(BindScalarFunctionInput &input) {
	auto text = input.GetConstant(0);
	auto sequence = text.IsNull() ? nullptr : FindSequence(input.GetBinder(), text.ToString());
	if (!sequence || sequence->ParentCatalog().GetCatalogType() != RemoteCatalog::TYPE) {
		return bind_local(input);
	}
	auto &function = input.GetBoundFunction();
	function.SetFunctionCallback(Run);
	function.SetInitStateCallback(nullptr);
	function.SetSerializeCallback(nullptr);
	function.SetDeserializeCallback(nullptr);
	function.SetModifiedDatabasesCallback(RegisterUse);
	auto name = ServerName(sequence->ParentSchema(), sequence->name);
	return make_uniq<RemoteSequence>(sequence->ParentCatalog().Cast<RemoteCatalog>(), function.GetName().GetIdentifierName(),
	                                 Value(name).ToSQLString());
}

void ExtendSequenceFunctions(DatabaseInstance &database) {
	auto &system = Catalog::GetSystemCatalog(database);
	auto transaction = CatalogTransaction::GetSystemTransaction(database);
	auto &schema = system.GetSchema(transaction, Identifier(DEFAULT_SCHEMA));
	for (auto name : {"nextval", "currval", "setval"}) {
		auto entry = schema.GetEntry(transaction, CatalogType::SCALAR_FUNCTION_ENTRY, Identifier(name));
		if (!entry || entry->type != CatalogType::SCALAR_FUNCTION_ENTRY) {
			throw InvalidInputException("This DuckDB has no function %s", name);
		}
		for (auto &function : entry->Cast<ScalarFunctionCatalogEntry>().functions.functions) {
			if (function->GetBindCallback() != Bind) {
				bind_local = function->GetBindCallback();
				auto extended = make_shared_ptr<ScalarFunction>(*function);
				extended->SetBindCallback(Bind);
				function = std::move(extended);
			}
		}
	}
}

} // namespace duckherder
