// PRAGMA duckherder_register_remote_table and duckherder_unregister_remote_table.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/pragma_function.hpp"

namespace duckherder {

//! `(local_name, remote_name [, catalog])`: gives a remote table another name, for as long as the catalog is attached.
duckdb::PragmaFunction RegisterRemoteTable();
//! `(local_name [, catalog])`: ends it.
duckdb::PragmaFunction UnregisterRemoteTable();

} // namespace duckherder
