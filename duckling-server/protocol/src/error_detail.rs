//! A DuckDB error on its way through gRPC.

use prost::Message;
use tonic::Status;

/// Rides in the `details` of a [`Status`], so that the client can throw the very exception that the server caught.
#[derive(Clone, PartialEq, Message)]
pub struct ErrorDetail {
    /// Exception class as DuckDB prints it, such as `Catalog` or `Constraint`; empty if DuckDB did not raise it.
    #[prost(string, tag = "1")]
    pub class: String,
    /// The message without its class prefix.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Byte offset into the statement, where DuckDB knows it.
    #[prost(uint64, optional, tag = "3")]
    pub position: Option<u64>,
}

impl ErrorDetail {
    /// Read the detail back from a status; `None` if the status carries none.
    pub fn from_status(status: &Status) -> Option<Self> {
        let details = status.details();
        if details.is_empty() {
            return None;
        }
        Self::decode(details).ok().filter(|detail| !detail.message.is_empty())
    }
}
