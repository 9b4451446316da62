//! Standard Flight SQL commands, one file each.

pub mod statement_query;
pub mod statement_update;
