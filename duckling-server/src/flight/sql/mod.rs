//! Standard Flight SQL commands, one file each.

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
pub mod statement_query;
pub mod statement_update;
mod types;
