// The names in a statement as its server must read them.
//
// A client's statement names things as they are called here: `dh.s.t`, or `t` after `USE dh.s`. The server knows no `dh`,
// and its session is in the schema `main` of its own database. So the client's catalog is taken out of names, schemas of
// the search path are put in, and a schema that is named like a database of the server is told apart by the name of the
// database around it. Names that are clear without it stay short, because errors repeat them.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/parser/parsed_data/alter_info.hpp"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/sql_statement.hpp"

namespace duckherder {

class RemoteCatalog;

// What the pushdown optimizer hands over: it has taken the catalog out wherever it knows of it
void NameForServer(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::QueryNode &node);
void NameForServer(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::SQLStatement &statement);

// What the binder leaves: every name of what is created, altered or dropped has its catalog
void NameForServer(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::CreateInfo &info);
void NameForServer(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::AlterInfo &info);
void NameForServer(duckdb::ClientContext &context, RemoteCatalog &catalog, duckdb::DropInfo &info);

//! Something in a schema of the server, as SQL.
std::string ServerName(const duckdb::SchemaCatalogEntry &schema, const duckdb::Identifier &name);

} // namespace duckherder
