// `ATTACH … (TYPE duckherder)`: the storage extension.

#include "storage.hpp"

#include "bridge_internal.hpp"
#include "builtin_macros.hpp"
#include "catalog.hpp"
#include "transaction.hpp"

#include "duckdb/main/attached_database.hpp"
#include "duckdb/parser/parsed_data/attach_info.hpp"

using namespace duckdb;

namespace duckherder {

static unique_ptr<Catalog> Attach(optional_ptr<StorageExtensionInfo>, ClientContext &context, AttachedDatabase &db,
                                  const string &name, AttachInfo &info, AttachOptions &options) {
	vector<pair<string, string>> texts;
	for (auto &entry : options.options) {
		texts.emplace_back(entry.first, entry.second.IsNull() ? string() : entry.second.ToString());
	}
	vector<dh_option> raw;
	for (auto &text : texts) {
		raw.push_back({ToStr(text.first), ToStr(text.second)});
	}
	PushBuiltinMacros(context);
	Interrupt interrupt(context);
	dh_catalog *remote = nullptr;
	Check(Rust().catalog_attach(ToStr(name), ToStr(info.path), raw.data(), raw.size(), &interrupt,
	                            &remote));
	return make_uniq<RemoteCatalog>(db, remote, info.path);
}

static unique_ptr<TransactionManager> CreateTransactionManager(optional_ptr<StorageExtensionInfo>, AttachedDatabase &db,
                                                               Catalog &catalog) {
	return make_uniq<RemoteTransactionManager>(db, catalog.Cast<RemoteCatalog>());
}

Storage::Storage() {
	attach = Attach;
	create_transaction_manager = CreateTransactionManager;
}

} // namespace duckherder
