//! Several servers as one cluster.

mod exchanges;
mod failures;
mod fixture;
mod processes;
mod resources;
mod types;
