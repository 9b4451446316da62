//! URLs of objects, as users and DuckDB write them.

use object_store::path::Path;

use crate::engine::error::EngineError;

/// Whose stores an URL's scheme stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Aws,
    Google,
    Azure,
}

/// Those that DuckDB takes for remote ones, too. Mirrors `cpp/object_store/object_file_system.cpp`.
const SCHEMES: [(&str, Provider); 6] = [
    ("s3", Provider::Aws),
    ("s3a", Provider::Aws),
    ("gs", Provider::Google),
    ("az", Provider::Azure),
    ("azure", Provider::Azure),
    ("abfss", Provider::Azure),
];

/// Whether a path names something on an object store.
pub fn is_object_url(path: &str) -> bool {
    path.split_once("://")
        .is_some_and(|(scheme, _)| SCHEMES.iter().any(|(known, _)| *known == scheme))
}

/// A place on an object store: an object, or what the keys of objects begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub provider: Provider,
    /// `s3://bucket`, as the user has written it.
    pub store: String,
    /// Of the object in its store; without encoding.
    pub key: String,
}

impl Location {
    /// # Errors
    /// `IO` if it is not `SCHEME://BUCKET/KEY`.
    pub fn parse(url: &str) -> Result<Self, EngineError> {
        let found = SCHEMES.iter().find_map(|(scheme, provider)| {
            let rest = url.strip_prefix(scheme)?.strip_prefix("://")?;
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            (!bucket.is_empty()).then(|| Self {
                provider: *provider,
                store: format!("{scheme}://{bucket}"),
                key: key.to_string(),
            })
        });
        found.ok_or_else(|| {
            let message = format!("\"{url}\" is no URL of an object store: write s3://BUCKET/PATH, gs://… or az://…");
            EngineError::new("IO", message)
        })
    }

    /// # Errors
    /// `IO` for a key with empty parts, `.` or `..`.
    pub fn path(&self) -> Result<Path, EngineError> {
        Path::parse(&self.key)
            .map_err(|error| EngineError::new("IO", format!("Cannot open \"{}\": {error}", self.url())))
    }

    pub fn url(&self) -> String {
        format!("{}/{}", self.store, self.key)
    }

    /// Bucket or container, without what else the URL says of its host.
    pub fn bucket(&self) -> &str {
        let host = self.store.split_once("://").map_or("", |(_, host)| host);
        host.split('@').next().unwrap_or(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_bucket_and_a_key() {
        let location = Location::parse("s3://bucket/a/g=1%20x/ä.parquet").unwrap();
        assert_eq!(
            (location.store.as_str(), location.provider),
            ("s3://bucket", Provider::Aws)
        );
        assert_eq!(location.path().unwrap().as_ref(), "a/g=1%20x/ä.parquet");
        assert_eq!(Location::parse("gs://b").unwrap().key, "");
        let azure = Location::parse("abfss://container@account.dfs.core.windows.net/x").unwrap();
        assert_eq!((azure.bucket(), azure.key.as_str()), ("container", "x"));
        for url in ["/data/x", "s3:/x", "s3://", "http://x/y", "s3n://x/y", "file:///x"] {
            assert!(Location::parse(url).is_err(), "{url}");
        }
        assert!(Location::parse("s3://b/a//c").unwrap().path().is_err());
    }

    #[test]
    fn other_paths_are_of_other_file_systems() {
        assert!(is_object_url("s3://b/x") && is_object_url("az://b"));
        assert!(!is_object_url("/mnt/s3") && !is_object_url("https://x/y") && !is_object_url("s3"));
    }
}
