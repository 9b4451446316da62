//! What is said of a request that has failed: the URL, the reason and the remedy, and no secret.
//!
//! Where the client of a store keeps the status of an answer to itself, the status and the store's own codes are read from its
//! text: these belong to the protocols.

use std::error::Error as _;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::location::Location;
use super::settings;
use crate::engine::error::EngineError;

const MAX_REASON_CHARS: usize = 400;
const NO_BUCKET_CODES: [&str; 3] = [
    "NoSuchBucket",
    "ContainerNotFound",
    "The specified bucket does not exist",
];

/// Why a request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    NoBucket,
    NoObject,
    NoCredentials,
    Denied,
    Unreachable,
    Changed,
    Other,
}

fn http_kind(error: &Error) -> Option<HttpErrorKind> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(http) = source.downcast_ref::<HttpError>() {
            return Some(http.kind());
        }
        next = source.source();
    }
    None
}

pub(super) fn cause(error: &Error) -> Cause {
    let text = error.to_string();
    if NO_BUCKET_CODES.iter().any(|code| text.contains(code)) {
        return Cause::NoBucket;
    }
    if settings::metadata_hosts().iter().any(|host| text.contains(host)) {
        return Cause::NoCredentials;
    }
    let is_unreachable = matches!(http_kind(error), Some(HttpErrorKind::Connect | HttpErrorKind::Timeout));
    match error {
        Error::NotFound { .. } => Cause::NoObject,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Cause::Denied,
        Error::Precondition { .. } => Cause::Changed,
        _ if text.contains("status code: 403") || text.contains("status code: 401") => Cause::Denied,
        _ if is_unreachable => Cause::Unreachable,
        _ => Cause::Other,
    }
}

/// An error of DuckDB's class IO.
pub(super) fn of(action: &str, location: &Location, error: &Error) -> EngineError {
    let url = location.url();
    let provider = location.provider;
    let reason = match cause(error) {
        Cause::NoObject => "No such file or directory".to_string(),
        Cause::NoBucket => format!(
            "there is no bucket \"{}\": create it, or correct the URL, or the endpoint ({})",
            location.bucket(),
            settings::endpoint_names(provider)
        ),
        Cause::NoCredentials => format!(
            "there are no credentials: set {} in the environment of every duckling",
            settings::credential_names(provider)
        ),
        Cause::Denied => format!(
            "the store denies access: check {} in the environment of every duckling, and what they may do",
            settings::credential_names(provider)
        ),
        Cause::Unreachable => format!(
            "the store cannot be reached: check the network and {} ({})",
            settings::endpoint_names(provider),
            short(&error.to_string())
        ),
        Cause::Changed => "the file has been changed while it was read; run the statement again".to_string(),
        Cause::Other => short(&error.to_string()),
    };
    EngineError::new("IO", format!("Cannot {action} \"{url}\": {reason}"))
}

/// A text of a library's or of a store's, in one line, without secrets and without parameters of URLs, among which are signatures.
fn short(text: &str) -> String {
    let without = settings::secrets()
        .iter()
        .fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "…"));
    let words: Vec<_> = without.split_whitespace().map(without_parameters).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_REASON_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn without_parameters(word: &str) -> &str {
    match word.find('?') {
        Some(end) if word.contains("://") => &word[..end],
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic {
            store: "S3",
            source: text.to_string().into(),
        }
    }

    #[test]
    fn codes_of_stores_are_told_apart() {
        assert_eq!(cause(&generic("404 <Error><Code>NoSuchBucket</Code>")), Cause::NoBucket);
        assert_eq!(
            cause(&generic("Server returned non-2xx status code: 403 Forbidden: ")),
            Cause::Denied
        );
        assert_eq!(
            cause(&generic("PUT http://169.254.169.254/latest/api/token")),
            Cause::NoCredentials
        );
        assert_eq!(cause(&generic("what?")), Cause::Other);
    }

    #[test]
    fn parameters_of_urls_are_not_told() {
        let location = Location::parse("az://container/x").unwrap();
        let error = of(
            "open file",
            &location,
            &generic("GET https://x.blob.core/c?sig=abc&se=1\nfailed"),
        );
        assert!(error.message.contains("https://x.blob.core/c failed"), "{error}");
        assert!(
            error.message.contains("\"az://container/x\"") && !error.message.contains("abc"),
            "{error}"
        );
    }
}
