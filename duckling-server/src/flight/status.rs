//! The one table from DuckDB's exception classes to gRPC status codes.

use arrow_flight::error::FlightError;
use duckling_protocol::ErrorDetail;
use tonic::{Code, Status};

use crate::cluster::ClusterError;
use crate::engine::{EngineError, Subtype};

/// What fits into a response's headers beside the rest.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Also for calls whose token names no session.
pub const SESSION_LOST: &str =
    "the session is not open: it was closed, was idle for too long, or the server was restarted since";

/// What DuckDB says beside the message fits too, unless it is longer than this.
const MAX_DETAIL_BYTES: usize = 4 << 10;

/// A DuckDB exception as a status; its class and what DuckDB knows of it ride in the details.
pub fn from_engine(error: &EngineError) -> Status {
    if error.subtype == Subtype::SessionClosed {
        return session_lost();
    }
    let message = shorten(&error.message);
    let detail = ErrorDetail {
        class: error.class.clone(),
        message: message.to_string(),
        position: error.details.get("position").and_then(|position| position.parse().ok()),
        extra_info: error
            .details
            .iter()
            .filter(|(_, value)| value.len() <= MAX_DETAIL_BYTES)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    let text = format!("{} Error: {message}", error.class);
    detail.into_status(code(&error.class, error.subtype), text)
}

/// Why a server is not the worker of a driver.
pub fn from_cluster(error: ClusterError) -> Status {
    let class = match &error {
        ClusterError::Engine(error) => return from_engine(error),
        error if error.is_passing() => "Connection",
        _ => "Invalid Input",
    };
    from_engine(&EngineError::new(class, error.to_string()))
}

/// The session is gone, and nothing was begun: wherever that is noticed, a client may open another one and go on. No
/// details, which are DuckDB's.
pub fn session_lost() -> Status {
    Status::not_found(SESSION_LOST)
}

/// A failure of this server itself. Its details tell it from what arrow-flight reports as internal: see `rpc`.
pub fn internal(message: impl Into<String>) -> Status {
    from_engine(&EngineError::new("INTERNAL", message))
}

/// Arrow data from a client that is not what it says.
pub fn malformed(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        error => Status::invalid_argument(format!("malformed Arrow data: {error}")),
    }
}

/// The same, for streams of Arrow data.
pub fn to_flight_error(error: &EngineError) -> FlightError {
    FlightError::Tonic(Box::new(from_engine(error)))
}

fn code(class: &str, subtype: Subtype) -> Code {
    if subtype == Subtype::EntryAlreadyExists {
        return Code::AlreadyExists;
    }
    match class {
        "Binder"
        | "Parser"
        | "Syntax"
        | "Conversion"
        | "Invalid Input"
        | "Invalid type"
        | "Mismatch Type"
        | "Unknown Type"
        | "Parameter Not Resolved"
        | "Parameter Not Allowed"
        | "Invalid Configuration" => Code::InvalidArgument,
        "Catalog" => Code::NotFound,
        "Constraint" => Code::FailedPrecondition,
        "Dependency" => Code::FailedPrecondition,
        "Out of Range" | "Divide by Zero" | "Decimal" | "Sequence" => Code::OutOfRange,
        "TransactionContext" | "Resource In Use" => Code::Aborted,
        "Not implemented" => Code::Unimplemented,
        "Permission" => Code::PermissionDenied,
        "Out of Memory" | "Object Size" => Code::ResourceExhausted,
        "INTERRUPT" => Code::Cancelled,
        "Connection" | "Network" | "HTTP" => Code::Unavailable,
        _ => Code::Internal,
    }
}

fn shorten(message: &str) -> &str {
    if message.len() <= MAX_MESSAGE_BYTES {
        return message;
    }
    let mut end = MAX_MESSAGE_BYTES;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}
