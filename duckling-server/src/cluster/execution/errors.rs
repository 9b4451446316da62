//! Errors of DuckDB on their way through DataFusion, which knows texts alone.
//!
//! An error is written into the text between two marks, and found again however often it was wrapped meanwhile.

use std::collections::BTreeMap;
use std::error::Error;

use datafusion::common::DataFusionError;
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;

const BEGIN: &str = "\u{1}duckling:";
/// JSON has no control characters.
const END: char = '\u{1}';
/// Errors travel in headers: see `flight/status.rs`.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
const MAX_DETAIL_BYTES: usize = 4 << 10;
/// The detail that says which worker an error is of.
const WORKER: &str = "worker";
/// The detail that says that it is of the network.
const CONNECTION: &str = "connection";
/// The class of what is no exception of DuckDB's: that of a library which it uses, as for Parquet files.
pub(super) const OF_LIBRARIES: &str = "Invalid";
/// Classes of errors whose cause is the worker or what it reads, rather than the query.
const OF_WORKERS: [&str; 3] = ["IO", "Out of Memory", OF_LIBRARIES];

#[derive(Deserialize, Serialize)]
struct Encoded {
    class: String,
    message: String,
    details: BTreeMap<String, String>,
}

/// Write an error into one of DataFusion's.
pub(super) fn encode(error: &EngineError) -> DataFusionError {
    let message = &error.message;
    let encoded = Encoded {
        class: error.class.clone(),
        message: message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)].to_string(),
        details: error
            .details
            .iter()
            .filter(|(_, value)| value.len() <= MAX_DETAIL_BYTES)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    let json = serde_json::to_string(&encoded).expect("texts are JSON");
    DataFusionError::Execution(format!("{BEGIN}{json}{END}"))
}

fn find(error: &DataFusionError) -> Option<EngineError> {
    let text = error.to_string();
    let (_, rest) = text.split_once(BEGIN)?;
    let (json, _) = rest.split_once(END)?;
    let Encoded {
        class,
        message,
        details,
    } = serde_json::from_str(json).ok()?;
    Some(EngineError::from_duckdb(class, message, details))
}

/// The error that was encoded; if it is one of DataFusion's own, it becomes an `IO` error.
pub(super) fn decode(error: &DataFusionError) -> EngineError {
    find(error).unwrap_or_else(|| EngineError::new("IO", format!("A distributed query failed: {}", causes(error))))
}

/// Name the worker that an error is about, unless that is said already, or the error is one that every worker would make.
pub(super) fn at_worker(address: &str, error: DataFusionError) -> DataFusionError {
    let is_of_network = is_of_network(&error);
    let mut named = match find(&error) {
        Some(known) if known.details.contains_key(WORKER) || !OF_WORKERS.contains(&known.class.as_str()) => {
            return error;
        }
        Some(known) => EngineError {
            message: format!("Worker {address}: {}", known.message),
            ..known
        },
        None => EngineError::new(
            "IO",
            format!("Worker {address} failed, or cannot be reached: {}", causes(&error)),
        ),
    };
    named.details.insert(WORKER.to_string(), address.to_string());
    if is_of_network {
        named.details.insert(CONNECTION.to_string(), "broken".to_string());
    }
    encode(&named)
}

/// Whether it comes from the network, and not from the worker.
pub(super) fn is_of_network(error: &DataFusionError) -> bool {
    find(error).is_none() && matches!(error.find_root(), DataFusionError::External(_))
}

/// Whether a query has failed because a connection broke. Another one may do.
pub fn has_broken_connection(error: &EngineError) -> bool {
    error.details.contains_key(CONNECTION)
}

/// What an error says, and what the errors say that have caused it.
fn causes(error: &DataFusionError) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_error_is_found_again() {
        let mut error = EngineError::new("Conversion", "Could not convert \u{1} 'x\n' to INT32");
        error.details.insert("position".to_string(), "7".to_string());
        let wrapped = DataFusionError::Context("in a stage".to_string(), Box::new(encode(&error)));
        let wrapped = DataFusionError::Shared(Arc::new(at_worker("nowhere", wrapped)));
        assert_eq!(decode(&wrapped), error);
    }

    #[test]
    fn a_long_error_is_cut() {
        let error = EngineError::new("Binder", "ä".repeat(MAX_MESSAGE_BYTES));
        let decoded = decode(&encode(&error));
        assert_eq!(decoded.message, "ä".repeat(MAX_MESSAGE_BYTES / 2));
    }

    #[test]
    fn a_failure_names_the_worker() {
        let error = DataFusionError::External("broken pipe".into());
        let decoded = decode(&at_worker("10.0.0.1:8815", error));
        assert_eq!(decoded.class, "IO");
        assert!(decoded.message.contains("10.0.0.1:8815") && decoded.message.contains("broken pipe"));
        assert!(has_broken_connection(&decoded));
    }

    #[test]
    fn an_error_of_a_worker_names_it_once() {
        let error = encode(&EngineError::new("Out of Memory", "no room"));
        let decoded = decode(&at_worker("b:1", at_worker("a:1", error)));
        assert_eq!(
            (decoded.class.as_str(), decoded.message.as_str()),
            ("Out of Memory", "Worker a:1: no room")
        );
        assert!(!has_broken_connection(&decoded));
        let error = at_worker("a:1", DataFusionError::External("broken pipe".into()));
        assert!(!decode(&at_worker("b:1", error)).message.contains("b:1"));
        let error = EngineError::new("Conversion", "no number");
        assert_eq!(decode(&at_worker("a:1", encode(&error))), error);
    }
}
