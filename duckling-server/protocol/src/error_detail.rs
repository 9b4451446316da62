//! A DuckDB error on its way through gRPC.

use std::collections::BTreeMap;

use prost::Message;
use tonic::{Code, Status};

use crate::command::Any;

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
    /// What DuckDB calls the extra info of an exception, such as `error_subtype` and `candidates`.
    #[prost(btree_map = "string, string", tag = "4")]
    pub extra_info: BTreeMap<String, String>,
}

/// Type URL of an [`ErrorDetail`] among the details of a status.
const TYPE_URL: &str = "type.duckherder.dev/duckherder.ErrorDetail";

/// `google.rpc.Status`: what clients of any kind expect in a status's details. Source: google/rpc/status.proto.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

impl ErrorDetail {
    /// The status that carries the detail.
    pub fn into_status(self, code: Code, text: String) -> Status {
        let details = RpcStatus {
            code: code.into(),
            message: text.clone(),
            details: vec![Any {
                type_url: TYPE_URL.to_string(),
                value: self.encode_to_vec().into(),
            }],
        };
        Status::with_details(code, text, details.encode_to_vec().into())
    }

    /// Read the detail back from a status; `None` if the status carries none.
    pub fn from_status(status: &Status) -> Option<Self> {
        let status = RpcStatus::decode(status.details()).ok()?;
        let detail = status.details.into_iter().find(|detail| detail.type_url == TYPE_URL)?;
        Self::decode(detail.value)
            .ok()
            .filter(|detail| !detail.message.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_survives_its_status() {
        let detail = ErrorDetail {
            class: "Catalog".to_string(),
            message: "Table with name t does not exist!".to_string(),
            position: Some(14),
            extra_info: BTreeMap::from([("name".to_string(), "t".to_string())]),
        };
        let status = detail.clone().into_status(Code::NotFound, "text".to_string());
        assert_eq!((status.code(), status.message()), (Code::NotFound, "text"));
        assert_eq!(ErrorDetail::from_status(&status), Some(detail));
        assert_eq!(ErrorDetail::from_status(&Status::not_found("text")), None);
        let garbage = Status::with_details(Code::NotFound, "text", vec![0xff; 5].into());
        assert_eq!(ErrorDetail::from_status(&garbage), None);
    }
}
