//! The stores that the process has used, each with its connections.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object_store::ObjectStore;

use super::failure;
use super::location::Location;
use super::settings;
use crate::engine::error::EngineError;

/// By scheme and bucket, as users have written them.
static STORES: LazyLock<Mutex<HashMap<String, Store>>> = LazyLock::new(Mutex::default);

/// A bucket.
#[derive(Clone)]
pub(super) struct Store {
    pub client: Arc<dyn ObjectStore>,
    /// It has answered that it is there.
    pub is_known: Arc<AtomicBool>,
}

impl Store {
    fn new(client: Arc<dyn ObjectStore>) -> Self {
        Self {
            client,
            is_known: Arc::default(),
        }
    }
}

/// The store of a location. Sends nothing.
///
/// # Errors
/// `IO` if the environment does not suffice.
pub(super) fn open(location: &Location) -> Result<Store, EngineError> {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(&location.store) {
        return Ok(store.clone());
    }
    if let Some(endpoint) = settings::refused_endpoint(location.provider) {
        let message = format!(
            "Cannot open file \"{}\": the endpoint {endpoint} is not encrypted; set AWS_ALLOW_HTTP=true in the environment of \
             every duckling to allow that",
            location.url()
        );
        return Err(EngineError::new("IO", message));
    }
    let client = settings::client(location).map_err(|error| failure::of("open file", location, &error))?;
    let store = Store::new(client);
    stores.insert(location.store.clone(), store.clone());
    Ok(store)
}

/// Have `client` be the store of that name.
#[cfg(test)]
pub(super) fn keep(store: &str, client: Arc<dyn ObjectStore>) {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    stores.insert(store.to_string(), Store::new(client));
}
