//! Requests to stores, on a runtime of their own, and how DuckDB's threads wait for them.

use std::io;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

use super::failure::{self, Cause};
use super::location::Location;
use super::stores::Store;
use crate::engine::error::EngineError;

/// How often whoever waits looks whether its statement was interrupted.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(20);
const THREADS: usize = 2;

static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("object-store")
        .enable_all()
        .build()
});

pub(super) fn runtime() -> Result<&'static Runtime, EngineError> {
    RUNTIME
        .as_ref()
        .map_err(|error| EngineError::new("IO", format!("cannot start threads for object stores: {error}")))
}

/// Run `work` on the runtime of the stores, and wait for it on this thread, which may be any; an interrupt drops it.
///
/// # Errors
/// `INTERRUPT`; `Internal` if it has panicked.
pub(super) fn wait<T: Send + 'static>(
    is_interrupted: &dyn Fn() -> bool,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, EngineError> {
    let (sender, receiver) = sync_channel(1);
    let task = runtime()?.spawn(async move {
        // Nobody waits any more after an interrupt.
        let _ = sender.send(work.await);
    });
    loop {
        match receiver.recv_timeout(INTERRUPT_INTERVAL) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) if is_interrupted() => {
                task.abort();
                return Err(EngineError::interrupted());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(EngineError::lost("A request to an object store")),
        }
    }
}

/// What the store tells of an object; nothing if there is none.
pub(super) fn head(
    store: &Store,
    location: &Location,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Option<ObjectMeta>, EngineError> {
    let path = location.path()?;
    if path.is_root() {
        return Ok(None);
    }
    let client = store.client.clone();
    match wait(is_interrupted, async move { client.head(&path).await })? {
        Ok(meta) => {
            store.is_known.store(true, Ordering::Relaxed);
            Ok(Some(meta))
        }
        Err(error) if [Cause::NoObject, Cause::NoBucket].contains(&failure::cause(&error)) => {
            check_bucket(store, location, is_interrupted)?;
            Ok(None)
        }
        Err(error) => Err(failure::of("open file", location, &error)),
    }
}

/// An answer to HEAD does not say what is missing: the object, or its bucket.
fn check_bucket(store: &Store, location: &Location, is_interrupted: &dyn Fn() -> bool) -> Result<(), EngineError> {
    if store.is_known.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (client, path) = (store.client.clone(), location.path()?);
    let first = async move { client.list(Some(&path)).try_next().await };
    match wait(is_interrupted, first)? {
        Ok(_) => store.is_known.store(true, Ordering::Relaxed),
        Err(error) if failure::cause(&error) == Cause::NoBucket => {
            return Err(failure::of("open file", location, &error));
        }
        // Who may read objects need not be allowed to list them.
        Err(_) => {}
    }
    Ok(())
}

/// Whether any object's key begins with that of `location` and a slash.
pub(super) fn is_folder(
    store: &Store,
    location: &Location,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<bool, EngineError> {
    let (client, path) = (store.client.clone(), location.path()?);
    let first = async move { client.list(Some(&path)).try_next().await };
    let first = wait(is_interrupted, first)?.map_err(|error| failure::of("list", location, &error))?;
    store.is_known.store(true, Ordering::Relaxed);
    Ok(first.is_some())
}

/// What is below a location: objects, and if they are not listed as well, the folders right in it.
pub(super) struct Listing {
    pub objects: Vec<ObjectMeta>,
    pub folders: Vec<Path>,
}

pub(super) fn list(
    store: &Store,
    location: &Location,
    is_recursive: bool,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Listing, EngineError> {
    let (client, path) = (store.client.clone(), location.path()?);
    let prefix = path.clone();
    let listing = async move {
        if is_recursive {
            let objects = client.list(Some(&prefix)).try_collect().await?;
            let folders = Vec::new();
            return Ok::<_, object_store::Error>(Listing { objects, folders });
        }
        let found = client.list_with_delimiter(Some(&prefix)).await?;
        Ok(Listing {
            objects: found.objects,
            folders: found.common_prefixes,
        })
    };
    let listing = wait(is_interrupted, listing)?;
    let mut listing = listing.map_err(|error| failure::of("list", location, &error))?;
    store.is_known.store(true, Ordering::Relaxed);
    // An empty object whose key ends with a slash stands for the folder itself.
    listing.objects.retain(|object| object.location != path);
    Ok(listing)
}

/// Bytes of an object that is as it was when it was opened.
pub(super) fn read(
    store: &Store,
    location: &Location,
    e_tag: Option<String>,
    range: Range<u64>,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Bytes, EngineError> {
    let (client, path) = (store.client.clone(), location.path()?);
    let options = GetOptions {
        if_match: e_tag,
        range: Some(range.into()),
        ..GetOptions::default()
    };
    let bytes = async move { client.get_opts(&path, options).await?.bytes().await };
    wait(is_interrupted, bytes)?.map_err(|error| failure::of("read file", location, &error))
}

/// Remove an object; one that is not there is no error.
pub(super) fn remove(store: &Store, location: &Location, is_interrupted: &dyn Fn() -> bool) -> Result<(), EngineError> {
    let (client, path) = (store.client.clone(), location.path()?);
    match wait(is_interrupted, async move { client.delete(&path).await })? {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(failure::of("remove file", location, &error)),
    }
}

/// Copy an object within its store.
pub(super) fn copy(
    store: &Store,
    from: &Location,
    to: &Location,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<(), EngineError> {
    let (client, source, target) = (store.client.clone(), from.path()?, to.path()?);
    let copied = wait(is_interrupted, async move { client.copy(&source, &target).await })?;
    copied.map_err(|error| failure::of("move file", from, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_ends_the_waiting() {
        let waited = wait(&|| true, std::future::pending::<()>());
        assert_eq!(waited.unwrap_err().class, EngineError::INTERRUPT);
    }

    #[test]
    fn a_thread_of_another_runtime_may_wait() {
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { wait(&|| false, async { 7 }) }).unwrap(), 7);
    }
}
