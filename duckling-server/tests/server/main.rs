//! The server through its public face: Flight SQL calls over a real connection.

mod cluster;
mod databases;
mod distribution;
mod execute;
mod fixture;
mod garbage;
mod icu;
mod ingest;
mod lifetimes;
mod metadata;
mod proxy;
mod sessions;
mod statements;
