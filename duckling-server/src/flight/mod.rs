//! The RPCs: one file per family, one under `sql/` per Flight SQL command.
//!
//! Turns calls into calls of `engine` and its answers into gRPC; decides nothing about SQL.

mod actions;
mod arrivals;
mod calls;
mod connections;
mod encode;
mod execute;
mod handshake;
mod ingest;
mod link;
mod load_extension;
mod members;
mod progress;
mod query_history;
mod rpc;
mod service;
mod session_options;
mod sessions;
mod sql;
mod status;

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use duckling_protocol::SESSION_HEADER;
use tonic::transport::Server;
use tonic::transport::server::Router;

use link::Link;
use rpc::Rpc;

pub use calls::Calls;
pub use connections::{LINGER, accept};
pub use service::Service;
pub use sessions::Limits;

/// HTTP/2 flow-control windows: large enough that one result stream fills a fast link.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
/// As large as HTTP/2 allows: streams that nobody reads must not hold up the others of their connection.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// HTTP/2 frames: the default of 16 kB splits a batch into too many.
const MAX_FRAME_BYTES: u32 = 1 << 20;
/// Largest message that is taken in: one batch of a client, which holds at least one row.
const MAX_MESSAGE_BYTES: usize = 1 << 30;
/// Error texts travel in headers, and DuckDB's can be long.
const MAX_HEADER_BYTES: u32 = 1 << 20;
/// A peer that does not answer a ping for this long is gone.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// The gRPC server, ready to be given a listener; `calls` learns of every call.
pub fn router(service: Service, calls: &Calls) -> Router {
    let flight = FlightServiceServer::new(Rpc(service))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(usize::MAX);
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .trace_fn(|request| {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default();
            let session = request.headers().get(SESSION_HEADER);
            let session_id = session.and_then(|id| id.to_str().ok()).unwrap_or_default();
            // One line per call: what a statement costs is counted by them.
            tracing::debug!(method, session_id, "rpc");
            let peer = request.extensions().get::<Arc<Link>>().map(|link| link.peer());
            tracing::debug_span!("rpc", method, session_id, ?peer)
        })
        .add_service(calls.track(flight))
}
