//! Standard Flight SQL commands and actions, one file each.

pub mod cancel;
pub mod prepared_statement;
pub mod statement_ingest;
pub mod statement_query;
pub mod statement_update;
pub mod transaction;
