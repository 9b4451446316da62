// What users have created in a database, for clients that show it as their own.

#include "engine_internal.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/sequence_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/view_catalog_entry.hpp"
#include "duckdb/common/optional.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"
#include "duckdb/storage/table_storage_info.hpp"

using namespace duckdb;
using duckling::Guard;
using duckling::ToString;

static dh_engine_str ToStr(const string &text) {
	return dh_engine_str {text.data(), text.size()};
}

static optional<dh_engine_entry_kind> KindOf(const CatalogEntry &entry) {
	switch (entry.type) {
	case CatalogType::TABLE_ENTRY:
		return DH_ENTRY_TABLE;
	case CatalogType::VIEW_ENTRY:
		return DH_ENTRY_VIEW;
	case CatalogType::INDEX_ENTRY:
		return DH_ENTRY_INDEX;
	case CatalogType::SEQUENCE_ENTRY:
		return DH_ENTRY_SEQUENCE;
	case CatalogType::TYPE_ENTRY:
		return DH_ENTRY_TYPE;
	case CatalogType::MACRO_ENTRY:
		return DH_ENTRY_MACRO;
	case CatalogType::TABLE_MACRO_ENTRY:
		return DH_ENTRY_TABLE_MACRO;
	default:
		return optional<dh_engine_entry_kind>();
	}
}

//! What users have created, and nothing that a scan of the sets brings along.
static vector<reference<CatalogEntry>> EntriesOf(ClientContext &context, SchemaCatalogEntry &schema, bool states_only) {
	// A set holds related kinds: tables and views, scalar functions and macros, table functions and table macros
	static const CatalogType SETS[] = {CatalogType::TABLE_ENTRY,           CatalogType::SEQUENCE_ENTRY,
	                                   CatalogType::INDEX_ENTRY,           CatalogType::TYPE_ENTRY,
	                                   CatalogType::SCALAR_FUNCTION_ENTRY, CatalogType::TABLE_FUNCTION_ENTRY};
	vector<reference<CatalogEntry>> entries;
	for (auto set : SETS) {
		if (states_only && set != CatalogType::TABLE_ENTRY && set != CatalogType::SEQUENCE_ENTRY) {
			continue;
		}
		schema.Scan(context, set, [&](CatalogEntry &entry) {
			if (!entry.internal && KindOf(entry)) {
				entries.push_back(entry);
			}
		});
	}
	return entries;
}

static string DefinitionOf(ClientContext &context, CatalogEntry &entry) {
	if (entry.type == CatalogType::VIEW_ENTRY) {
		try {
			entry.Cast<ViewCatalogEntry>().BindView(context);
		} catch (const std::exception &) {
			// Without columns then, as DuckDB lists a view of something that is gone
		}
	}
	auto info = entry.GetInfo();
	// The server's alone to look after
	info->dependencies = LogicalDependencyList();
	MemoryStream stream;
	SerializationOptions options;
	options.storage_compatibility = StorageCompatibility::Latest();
	BinarySerializer::Serialize(*info, stream, options);
	return string(const_char_ptr_cast(stream.GetData()), stream.GetPosition());
}

static void VisitEntry(ClientContext &context, CatalogEntry &entry, const TableStorageInfo &storage,
                       const dh_engine_catalog_visitor &visitor) {
	vector<vector<uint64_t>> columns;
	vector<dh_engine_table_index> indexes;
	for (auto &index : storage.index_info) {
		columns.emplace_back(index.column_set.begin(), index.column_set.end());
		auto &own = columns.back();
		std::sort(own.begin(), own.end());
		indexes.push_back({index.is_unique, index.is_primary, index.is_foreign, own.data(), own.size()});
	}
	auto definition = DefinitionOf(context, entry);
	dh_engine_entry result {*KindOf(entry), ToStr(entry.name.GetIdentifierName()), ToStr(definition), entry.oid,
	                        indexes.data(), indexes.size()};
	visitor.entry(visitor.context, &result);
}

static vector<uint64_t> DistinctCounts(ClientContext &context, TableCatalogEntry &table) {
	vector<uint64_t> counts;
	for (auto &column : table.GetColumns().Logical()) {
		auto statistics = column.Generated() ? nullptr : table.GetStatistics(context, column.Oid());
		counts.push_back(statistics ? statistics->GetDistinctCount() : 0);
	}
	return counts;
}

static void VisitState(ClientContext &context, CatalogEntry &entry, const TableStorageInfo &storage,
                       const dh_engine_catalog_visitor &visitor) {
	dh_engine_entry_state state {};
	vector<uint64_t> distinct_counts;
	state.oid = entry.oid;
	if (entry.type == CatalogType::SEQUENCE_ENTRY) {
		auto data = entry.Cast<SequenceCatalogEntry>().GetData();
		state.usage_count = data.usage_count;
		state.counter = data.counter;
		state.has_last_value = bool(data.last_value);
		state.last_value = data.last_value ? *data.last_value : 0;
	} else {
		state.rows = storage.cardinality.IsValid() ? storage.cardinality.GetIndex() : 0;
		distinct_counts = DistinctCounts(context, entry.Cast<TableCatalogEntry>());
		state.distinct_counts = distinct_counts.data();
		state.column_count = distinct_counts.size();
	}
	visitor.state(visitor.context, &state);
}

static void VisitSchema(ClientContext &context, SchemaCatalogEntry &schema, bool states_only,
                        const dh_engine_catalog_visitor &visitor) {
	auto path = IdentifiersToStrings(schema.GetSchemaPath());
	vector<dh_engine_str> raw_path;
	for (auto &name : path) {
		raw_path.push_back(ToStr(name));
	}
	visitor.schema(visitor.context, raw_path.data(), raw_path.size(), schema.internal);
	for (auto &entry_ref : EntriesOf(context, schema, states_only)) {
		auto &entry = entry_ref.get();
		TableStorageInfo storage;
		if (entry.type == CatalogType::TABLE_ENTRY) {
			storage = entry.Cast<TableCatalogEntry>().GetStorageInfo(context);
		}
		if (!states_only) {
			VisitEntry(context, entry, storage, visitor);
		}
		if (entry.type == CatalogType::TABLE_ENTRY || entry.type == CatalogType::SEQUENCE_ENTRY) {
			VisitState(context, entry, storage, visitor);
		}
	}
}

dh_engine_error *dh_engine_connection_visit_catalog(dh_engine_connection *connection, dh_engine_str database,
                                                    bool states_only,
                                                    const dh_engine_catalog_visitor *visitor) noexcept {
	return Guard([&]() {
		auto &context = *connection->connection->context;
		context.RunFunctionInTransaction([&]() {
			auto &catalog = Catalog::GetCatalog(context, Identifier(ToString(database)));
			for (auto &schema : catalog.GetSchemas(context)) {
				VisitSchema(context, schema.get(), states_only, *visitor);
			}
		});
	});
}
