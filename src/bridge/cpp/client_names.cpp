// The names in what was created on a server, as this client must read them.

#include "client_names.hpp"

#include "catalog.hpp"
#include "schema_entry.hpp"
#include "snapshot.hpp"
#include "statement_names.hpp"

using namespace duckdb;

namespace duckherder {

namespace {

class ClientNames : public StatementNames {
public:
	ClientNames(ClientContext &context, RemoteSchema &schema, bool qualifies)
	    : context(context), snapshot(schema.Snapshot()), catalog(schema.catalog.Cast<RemoteCatalog>()),
	      qualifies(qualifies) {
	}

protected:
	void VisitName(CatalogType type, QualifiedName &name) override {
		auto path = name.Path();
		if (path.size() > 2 && path.front() == catalog.ServerDatabase()) {
			path.front() = catalog.GetName();
		} else if (path.size() == 2 && path.front() == catalog.ServerDatabase() && !snapshot.FindSchema({path.front()})) {
			path = {catalog.GetName(), Identifier(DEFAULT_SCHEMA), path.back()};
		} else if (qualifies) {
			Qualify(type, path);
		}
		name = QualifiedName::FromPath(std::move(path));
	}

private:
	//! What the server has in its main schema, where its sessions are, is meant by a bare name.
	void Qualify(CatalogType type, vector<Identifier> &path) {
		if (path.size() == 1) {
			auto main = snapshot.FindSchema({Identifier(DEFAULT_SCHEMA)});
			auto is_ours = main && main->Has(type, path.front());
			// A table of that name on this client must not be taken for it
			auto must_be_ours = type == CatalogType::SEQUENCE_ENTRY ||
			                    (type == CatalogType::TABLE_ENTRY && !IsBuiltIn(path.front()));
			if (is_ours || must_be_ours) {
				path.insert(path.begin(), {catalog.GetName(), Identifier(DEFAULT_SCHEMA)});
			}
		} else if (snapshot.FindSchema({path.front()})) {
			path.insert(path.begin(), catalog.GetName());
		}
	}

	bool IsBuiltIn(const Identifier &name) {
		auto &system = Catalog::GetSystemCatalog(context);
		CatalogTransaction transaction(system, context);
		auto schema = system.GetSchema(transaction, Identifier(DEFAULT_SCHEMA), OnEntryNotFound::RETURN_NULL);
		return schema && schema->GetEntry(transaction, CatalogType::TABLE_ENTRY, name);
	}

	ClientContext &context;
	RemoteSnapshot &snapshot;
	RemoteCatalog &catalog;
	bool qualifies;
};

} // namespace

void NameForClient(ClientContext &context, RemoteSchema &schema, CreateInfo &info, EntryUse use) {
	auto is_macro = info.type == CatalogType::MACRO_ENTRY || info.type == CatalogType::TABLE_MACRO_ENTRY;
	ClientNames(context, schema, is_macro && use == EntryUse::BIND).WalkBody(info);
}

} // namespace duckherder
