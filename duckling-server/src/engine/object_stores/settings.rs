//! Clients of stores, told by the process's environment where these are and who asks.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::location::{Location, Provider};

/// How long a request is tried again that a store does not answer well.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_RETRIES: usize = 4;
/// As the variables that replace them would say it.
const DEFAULTS: [(&str, &str); 2] = [("connect_timeout", "3s"), ("timeout", "30s")];

/// Variables that tell where the stores of a provider are, and who asks. All others are none of ours: a `TOKEN` may be anything.
fn prefix(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "AWS_",
        Provider::Google => "GOOGLE_",
        Provider::Azure => "AZURE_",
    }
}

/// Names in lower case, and values.
fn variables(provider: Provider) -> impl Iterator<Item = (String, String)> {
    let ours = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ours.filter(move |(name, _)| name.starts_with(prefix(provider)))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
}

/// The value of a variable of the process.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_true(name: &str) -> bool {
    variable(name).is_some_and(|value| ["1", "true", "on", "yes", "y"].contains(&value.to_ascii_lowercase().as_str()))
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: MAX_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
    }
}

/// A client of the store of `location`. Sends nothing.
///
/// # Errors
/// If the environment does not suffice.
pub(super) fn client(location: &Location) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let url = format!("{}/", location.store);
    let defaults = DEFAULTS.map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = defaults.into_iter().chain(variables(location.provider));
    let client: Arc<dyn ObjectStore> = match location.provider {
        Provider::Aws => {
            let builder = AmazonS3Builder::new().with_url(url).with_retry(retry());
            let builder = settings.fold(builder, |builder, (name, value)| {
                match name.parse::<AmazonS3ConfigKey>() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder,
                }
            });
            Arc::new(builder.build()?)
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::new().with_url(url).with_retry(retry());
            let builder = settings.fold(builder, |builder, (name, value)| {
                match name.parse::<GoogleConfigKey>() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder,
                }
            });
            Arc::new(builder.build()?)
        }
        Provider::Azure => {
            let builder = MicrosoftAzureBuilder::new().with_url(url).with_retry(retry());
            let builder = settings.fold(builder, |builder, (name, value)| match name.parse::<AzureConfigKey>() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            });
            Arc::new(builder.build()?)
        }
    };
    Ok(client)
}

/// The variables that users set first, for messages.
pub(super) fn credential_names(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        Provider::Google => "GOOGLE_APPLICATION_CREDENTIALS",
        Provider::Azure => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    }
}

/// The variables that tell where the store is, for messages.
pub(super) fn endpoint_names(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "AWS_ENDPOINT_URL and AWS_REGION",
        Provider::Google => "GOOGLE_BASE_URL",
        Provider::Azure => "AZURE_STORAGE_ENDPOINT",
    }
}

/// Where credentials are asked for that the environment does not have: machines in a cloud have an address for that.
pub(super) fn metadata_hosts() -> Vec<String> {
    let given = variable("AWS_METADATA_ENDPOINT");
    let hosts = [
        "169.254.169.254",
        "metadata.google.internal",
        "metadata/computeMetadata",
    ]
    .map(str::to_string);
    given.into_iter().chain(hosts).collect()
}

/// The endpoint of S3 if it is not encrypted and nobody has allowed that.
pub(super) fn refused_endpoint(provider: Provider) -> Option<String> {
    if provider != Provider::Aws || is_true("AWS_ALLOW_HTTP") {
        return None;
    }
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find_map(variable);
    endpoint.filter(|endpoint| endpoint.starts_with("http://"))
}

/// What must be in no message: the values of variables whose names say so.
pub(super) fn secrets() -> Vec<String> {
    const MARKS: [&str; 7] = ["key", "secret", "token", "password", "sas", "signature", "credential"];
    /// Shorter ones are no secrets, and would spoil messages.
    const MIN_BYTES: usize = 6;
    let all = [Provider::Aws, Provider::Google, Provider::Azure];
    all.into_iter()
        .flat_map(variables)
        .filter(|(name, value)| value.len() >= MIN_BYTES && MARKS.iter().any(|mark| name.contains(mark)))
        .map(|(_, value)| value)
        .collect()
}
