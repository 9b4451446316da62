//! The server through its public face: Flight SQL calls over a real connection.

mod execute;
mod fixture;
mod ingest;
mod sessions;
mod statements;
