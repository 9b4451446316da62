//! Files on object stores: S3, Azure Blob Storage and Google Cloud Storage, named by URLs.
//!
//! Owns the clients of the stores, which are told by the process's environment where these are and who asks. DuckDB reaches
//! them by a table of functions; the server itself by [`ObjectFile`]. Every call blocks, and none is in the async runtime's threads.

mod callbacks;
mod failure;
mod location;
mod requests;
mod settings;
mod stores;
mod upload;

pub(super) use callbacks::callbacks;
pub use location::is_object_url;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::error::EngineError;
use location::Location;
use stores::Store;

/// An object that the server itself reads and writes, too small to be read by parts.
pub struct ObjectFile {
    location: Location,
    store: Store,
    path: Path,
}

impl ObjectFile {
    /// # Errors
    /// `IO` if this is no URL of an object, or the environment does not suffice for its store.
    pub fn new(url: &str) -> Result<Self, EngineError> {
        let location = Location::parse(url)?;
        Ok(Self {
            store: stores::open(&location)?,
            path: location.path()?,
            location,
        })
    }

    /// What it holds; nothing if there is no such object.
    ///
    /// # Errors
    /// `IO` if the store cannot be asked.
    pub fn read(&self) -> Result<Option<Vec<u8>>, EngineError> {
        let (store, path) = (self.store.client.clone(), self.path.clone());
        let read = async move { store.get(&path).await?.bytes().await };
        match requests::wait(&|| false, read)? {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure::of("read file", &self.location, &error)),
        }
    }

    /// Create or replace it.
    ///
    /// # Errors
    /// `IO` if the store does not take it.
    pub fn write(&self, content: Vec<u8>) -> Result<(), EngineError> {
        let (store, path) = (self.store.client.clone(), self.path.clone());
        let write = async move { store.put(&path, PutPayload::from(content)).await };
        let written = requests::wait(&|| false, write)?;
        written
            .map(drop)
            .map_err(|error| failure::of("write file", &self.location, &error))
    }

    /// # Errors
    /// `IO` if the store refuses it.
    pub fn remove(&self) -> Result<(), EngineError> {
        let (store, path) = (self.store.client.clone(), self.path.clone());
        let removed = requests::wait(&|| false, async move { store.delete(&path).await })?;
        removed.map_err(|error| failure::of("remove file", &self.location, &error))
    }
}

/// Make sure that objects below a URL can be listed, written, read and removed.
///
/// # Errors
/// `IO` with what is in the way, and the remedy.
pub fn check_writable(url: &str) -> Result<(), EngineError> {
    let location = Location::parse(url)?;
    let store = stores::open(&location)?;
    requests::is_folder(&store, &location, &|| false)?;
    let probe = ObjectFile::new(&format!("{url}/{}.probe", uuid::Uuid::new_v4()))?;
    probe.write(Vec::new())?;
    probe.read()?;
    probe.remove()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_server_comes_and_goes() {
        stores::keep(
            "s3://server-files",
            std::sync::Arc::new(object_store::memory::InMemory::new()),
        );
        check_writable("s3://server-files/tables").unwrap();
        let file = ObjectFile::new("s3://server-files/tables/x.owner").unwrap();
        assert_eq!(file.read().unwrap(), None);
        file.write(b"mine".to_vec()).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"mine");
        file.remove().unwrap();
        assert_eq!(file.read().unwrap(), None);
    }
}
