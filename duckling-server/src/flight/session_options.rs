//! `SetSessionOptions`, `GetSessionOptions` and `CloseSession`: the settings of a session, and its end.
//!
//! The messages are those of `Flight.proto`, which arrow-flight does not bring. Options are `catalog`, `schema`, and
//! DuckDB's settings by name.

use std::collections::HashMap;

use arrow::array::{Array, AsArray};
use prost::{Enumeration, Message, Oneof};
use tonic::Status;

use super::sessions::{Lease, Sessions};
use super::status::from_engine;
use crate::engine::quote_identifier;

/// Names of the standard actions.
pub const SET_SESSION_OPTIONS: &str = "SetSessionOptions";
pub const GET_SESSION_OPTIONS: &str = "GetSessionOptions";
pub const CLOSE_SESSION: &str = "CloseSession";

const CATALOG: &str = "catalog";
const SCHEMA: &str = "schema";

#[derive(Clone, PartialEq, Message)]
pub struct SessionOptionValue {
    /// Absent to set the option back to its default.
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub option_value: Option<OptionValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum OptionValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(sfixed64, tag = "3")]
    Integer(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(StringListValue),
}

#[derive(Clone, PartialEq, Message)]
pub struct StringListValue {
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SetSessionOptionsRequest {
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum ErrorValue {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}

#[derive(Clone, PartialEq, Message)]
pub struct OptionError {
    #[prost(enumeration = "ErrorValue", tag = "1")]
    pub value: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct SetSessionOptionsResult {
    /// The options that could not be set; the others were.
    #[prost(map = "string, message", tag = "1")]
    pub errors: HashMap<String, OptionError>,
}

#[derive(Clone, PartialEq, Message)]
pub struct GetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum CloseStatus {
    Unspecified = 0,
    Closed = 1,
    Closing = 2,
    NotCloseable = 3,
}

#[derive(Clone, PartialEq, Message)]
pub struct CloseSessionResult {
    #[prost(enumeration = "CloseStatus", tag = "1")]
    pub status: i32,
}

/// Set options, each on its own; the answer names those that could not be set.
pub async fn set(session: &Lease, body: &[u8]) -> Result<SetSessionOptionsResult, Status> {
    let request = SetSessionOptionsRequest::decode(body)
        .map_err(|error| Status::invalid_argument(format!("cannot decode SetSessionOptionsRequest: {error}")))?;
    let mut options: Vec<_> = request.session_options.into_iter().collect();
    // The catalog first: the schema is one of its.
    options.sort_by_key(|(name, _)| (name != CATALOG, name.clone()));
    let mut errors = HashMap::new();
    for (name, value) in options {
        let outcome = match statement(&name, value.option_value) {
            Ok(sql) => session.rows(sql).await.map_err(|error| match error.class.as_str() {
                "Catalog" if name != CATALOG && name != SCHEMA => ErrorValue::InvalidName,
                "TransactionContext" | "INTERRUPT" | "Connection" => ErrorValue::Error,
                _ => ErrorValue::InvalidValue,
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            errors.insert(name, OptionError { value: error.into() });
        }
    }
    Ok(SetSessionOptionsResult { errors })
}

/// The current catalog and schema, and every setting of DuckDB that has a value.
pub async fn get(session: &Lease) -> Result<GetSessionOptionsResult, Status> {
    let sql = format!(
        "SELECT name, value FROM duckdb_settings() WHERE value IS NOT NULL AND value <> '' AND name NOT IN ('{CATALOG}', '{SCHEMA}') \
         UNION ALL VALUES ('{CATALOG}', current_database()), ('{SCHEMA}', current_schema())"
    );
    let batches = session.rows(sql).await.map_err(|error| from_engine(&error))?;
    let mut session_options = HashMap::new();
    for batch in &batches {
        let (names, values) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        for row in 0..names.len() {
            let value = SessionOptionValue {
                option_value: Some(OptionValue::Text(values.value(row).to_string())),
            };
            session_options.insert(names.value(row).to_string(), value);
        }
    }
    Ok(GetSessionOptionsResult { session_options })
}

/// End the session of the call.
pub fn close(sessions: &Sessions, session: &Lease) -> CloseSessionResult {
    sessions.close(session.id());
    CloseSessionResult {
        status: CloseStatus::Closed.into(),
    }
}

fn statement(name: &str, value: Option<OptionValue>) -> Result<String, ErrorValue> {
    let text = match value {
        None if name == CATALOG || name == SCHEMA => return Err(ErrorValue::InvalidValue),
        None => return Ok(format!("RESET SESSION {}", quote_identifier(name))),
        Some(OptionValue::Text(text)) => text,
        Some(OptionValue::Bool(value)) => value.to_string(),
        Some(OptionValue::Integer(value)) => value.to_string(),
        Some(OptionValue::Double(value)) => value.to_string(),
        Some(OptionValue::List(list)) => list.values.join(","),
    };
    Ok(match name {
        CATALOG => format!("USE {}", quote_identifier(&text)),
        SCHEMA => format!("SET SESSION schema = '{}'", quote_identifier(&text).replace('\'', "''")),
        _ => format!(
            "SET SESSION {} = '{}'",
            quote_identifier(name),
            text.replace('\'', "''")
        ),
    })
}
