//! Several ducklings as one: running a query on all of them.

pub mod execution;
