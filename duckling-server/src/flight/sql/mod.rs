//! Standard Flight SQL commands and actions, one file each.

pub mod cancel;
pub mod get_catalogs;
pub mod get_cross_reference;
pub mod get_db_schemas;
pub mod get_exported_keys;
pub mod get_imported_keys;
pub mod get_primary_keys;
pub mod get_sql_info;
pub mod get_table_types;
pub mod get_tables;
pub mod get_xdbc_type_info;
mod keys;
mod metadata;
pub mod prepared_statement;
pub mod statement_ingest;
pub mod statement_query;
pub mod statement_update;
pub mod transaction;
mod types;
