// The catalog entry of something that was created on an attached server.

#include "remote_entry.hpp"

#include "catalog.hpp"
#include "client_names.hpp"
#include "relation_entry.hpp"
#include "schema_entry.hpp"

#include "duckdb/catalog/catalog_entry/index_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/macro_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/sequence_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/type_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/view_catalog_entry.hpp"
#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb/parser/parsed_data/create_index_info.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_data/create_sequence_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/create_type_info.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

class RemoteIndex : public IndexCatalogEntry {
public:
	RemoteIndex(Catalog &catalog, SchemaCatalogEntry &schema, CreateIndexInfo &info)
	    : IndexCatalogEntry(catalog, schema, info), table(info.table) {
	}

	Identifier GetSchemaName() const override {
		return schema.name;
	}
	Identifier GetTableName() const override {
		return table;
	}

private:
	//! Always of the index's own schema
	Identifier table;
};

} // namespace

static CatalogType TypeOf(int32_t kind) {
	switch (kind) {
	case DH_ENTRY_TABLE:
		return CatalogType::TABLE_ENTRY;
	case DH_ENTRY_VIEW:
		return CatalogType::VIEW_ENTRY;
	case DH_ENTRY_INDEX:
		return CatalogType::INDEX_ENTRY;
	case DH_ENTRY_SEQUENCE:
		return CatalogType::SEQUENCE_ENTRY;
	case DH_ENTRY_TYPE:
		return CatalogType::TYPE_ENTRY;
	case DH_ENTRY_MACRO:
		return CatalogType::MACRO_ENTRY;
	case DH_ENTRY_TABLE_MACRO:
		return CatalogType::TABLE_MACRO_ENTRY;
	default:
		return CatalogType::INVALID;
	}
}

static unique_ptr<CreateInfo> ReadDefinition(const dh_entry &entry) {
	unique_ptr<CreateInfo> info;
	string reason = "it is of another kind";
	try {
		MemoryStream stream(data_ptr_cast(const_cast<char *>(entry.definition.data)), entry.definition.len);
		info = BinaryDeserializer::Deserialize<CreateInfo>(stream);
	} catch (const std::exception &ex) {
		reason = ErrorData(ex).RawMessage();
	}
	if (!info || info->type != TypeOf(entry.kind)) {
		throw IOException("Cannot read what the server says of \"%s\": %s. Use the same release of DuckDB on both sides",
		                  ToString(entry.name), reason);
	}
	return info;
}

bool DiffersByUse(int32_t kind) {
	return kind == DH_ENTRY_MACRO || kind == DH_ENTRY_TABLE_MACRO;
}

unique_ptr<CatalogEntry> MakeEntry(ClientContext &context, RemoteSchema &schema, const dh_entry &entry, EntryUse use) {
	auto info = ReadDefinition(entry);
	info->SetQualifiedName(schema.GetQualifiedName(Identifier(ToString(entry.name))));
	NameForClient(context, schema, *info, use);
	auto &catalog = schema.catalog;
	switch (entry.kind) {
	case DH_ENTRY_TABLE:
		return make_uniq<RemoteTable>(catalog, schema, info->Cast<CreateTableInfo>(), entry);
	case DH_ENTRY_VIEW:
		return make_uniq<ViewCatalogEntry>(catalog, schema, info->Cast<CreateViewInfo>());
	case DH_ENTRY_INDEX:
		return make_uniq<RemoteIndex>(catalog, schema, info->Cast<CreateIndexInfo>());
	case DH_ENTRY_SEQUENCE:
		return make_uniq<SequenceCatalogEntry>(catalog, schema, info->Cast<CreateSequenceInfo>());
	case DH_ENTRY_TYPE:
		return make_uniq<TypeCatalogEntry>(catalog, schema, info->Cast<CreateTypeInfo>());
	default:
		return MacroCatalogEntry::Create(catalog, schema, info->Cast<CreateMacroInfo>());
	}
}

EntryState::EntryState(const dh_entry_state &raw)
    : rows(raw.rows), usage_count(raw.usage_count), counter(raw.counter),
      distinct_counts(raw.distinct_counts, raw.distinct_counts + raw.column_count) {
	if (raw.has_last_value) {
		last_value = raw.last_value;
	}
}

bool UpdateEntry(CatalogEntry &entry, const EntryState &state) {
	switch (entry.type) {
	case CatalogType::TABLE_ENTRY:
		return entry.Cast<RemoteTable>().SetEstimates(state.rows, state.distinct_counts);
	case CatalogType::SEQUENCE_ENTRY:
		entry.Cast<SequenceCatalogEntry>().ReplayValue(state.usage_count, state.counter, state.last_value);
		return false;
	default:
		return false;
	}
}

} // namespace duckherder
