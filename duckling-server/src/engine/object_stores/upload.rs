//! An object that is being written: it is there when it is complete, and not before.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::sync::Mutex;

use super::failure;
use super::location::Location;
use super::requests;
use super::stores;
use crate::engine::error::EngineError;

/// Stores take 10,000 parts: so an object has 80 GB at most.
const PART_BYTES: usize = 8 << 20;
/// Of one object, on their way at once.
const MAX_PARTS_IN_FLIGHT: usize = 2;

/// Dropping it unfinished leaves no object.
pub(super) struct Upload {
    location: Location,
    buffer: Vec<u8>,
    parts: Arc<Mutex<Parts>>,
    /// Something is lost, or all is done: nothing can be added.
    is_closed: bool,
}

/// What has been sent.
struct Parts {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// None as long as the object may become so small that one request will do.
    sent: Option<WriteMultipart>,
}

impl Parts {
    async fn send(&mut self, part: Bytes) -> object_store::Result<()> {
        let sent = match &mut self.sent {
            Some(sent) => sent,
            none => {
                let upload = self.store.put_multipart(&self.path).await?;
                none.insert(WriteMultipart::new_with_chunk_size(upload, PART_BYTES))
            }
        };
        sent.wait_for_capacity(MAX_PARTS_IN_FLIGHT).await?;
        sent.put(part);
        Ok(())
    }

    async fn finish(&mut self, rest: Bytes) -> object_store::Result<()> {
        let Some(mut sent) = self.sent.take() else {
            return self.store.put(&self.path, PutPayload::from(rest)).await.map(drop);
        };
        sent.put(rest);
        sent.finish().await.map(drop)
    }

    async fn abort(&mut self) {
        if let Some(sent) = self.sent.take() {
            // What is left of it is no object, and the store's lifecycle rules remove it.
            let _ = sent.abort().await;
        }
    }
}

impl Upload {
    /// Begin an object, or the next version of one. Sends nothing.
    ///
    /// # Errors
    /// `IO` if the environment does not suffice for its store, or the key is none.
    pub fn begin(location: Location) -> Result<Self, EngineError> {
        let store = stores::open(&location)?.client;
        let path = location.path()?;
        if path.is_root() {
            let message = format!("Cannot write file \"{}\": it has no name", location.url());
            return Err(EngineError::new("IO", message));
        }
        Ok(Self {
            location,
            buffer: Vec::new(),
            parts: Arc::new(Mutex::new(Parts {
                store,
                path,
                sent: None,
            })),
            is_closed: false,
        })
    }

    /// Append bytes, and wait if the store is slower than they come.
    pub fn write(&mut self, mut bytes: &[u8], is_interrupted: &dyn Fn() -> bool) -> Result<(), EngineError> {
        self.check_open()?;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PART_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == PART_BYTES {
                let part = Bytes::from(mem::take(&mut self.buffer));
                let parts = self.parts.clone();
                self.run(is_interrupted, async move { parts.lock().await.send(part).await })?;
            }
        }
        Ok(())
    }

    /// Complete the object: it is durable, and others see it.
    pub fn finish(&mut self, is_interrupted: &dyn Fn() -> bool) -> Result<(), EngineError> {
        self.check_open()?;
        let rest = Bytes::from(mem::take(&mut self.buffer));
        let parts = self.parts.clone();
        self.run(is_interrupted, async move { parts.lock().await.finish(rest).await })?;
        self.is_closed = true;
        Ok(())
    }

    fn check_open(&self) -> Result<(), EngineError> {
        if self.is_closed {
            let message = format!(
                "Cannot write file \"{}\": it is complete, or was given up",
                self.location.url()
            );
            return Err(EngineError::new("IO", message));
        }
        Ok(())
    }

    /// Work that goes on if nobody waits for it any more: half a change of [`Parts`] would leave them as they never are.
    fn run(
        &mut self,
        is_interrupted: &dyn Fn() -> bool,
        work: impl Future<Output = object_store::Result<()>> + Send + 'static,
    ) -> Result<(), EngineError> {
        self.is_closed = true;
        let task = requests::runtime()?.spawn(work);
        let outcome = requests::wait(is_interrupted, task)?;
        let outcome = outcome.map_err(|_| EngineError::lost("An upload to an object store"))?;
        outcome.map_err(|error| failure::of("write file", &self.location, &error))?;
        self.is_closed = false;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let parts = self.parts.clone();
        if let Ok(runtime) = requests::runtime() {
            drop(runtime.spawn(async move { parts.lock().await.abort().await }));
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn upload(bucket: &str) -> (Upload, Arc<InMemory>) {
        let store = Arc::new(InMemory::new());
        let name = format!("s3://{bucket}");
        stores::keep(&name, store.clone());
        (
            Upload::begin(Location::parse(&format!("{name}/x")).unwrap()).unwrap(),
            store,
        )
    }

    fn content(store: &Arc<InMemory>) -> Option<Bytes> {
        let store = store.clone();
        let read = async move { store.get(&Path::from("x")).await?.bytes().await };
        requests::wait(&|| false, read).unwrap().ok()
    }

    #[test]
    fn an_object_is_there_when_it_is_complete() {
        for size in [0, 10, PART_BYTES, 2 * PART_BYTES + 7] {
            let (mut upload, store) = upload("complete");
            let expected: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            for piece in expected.chunks(100_000) {
                upload.write(piece, &|| false).unwrap();
            }
            assert_eq!(content(&store), None);
            upload.finish(&|| false).unwrap();
            assert_eq!(content(&store).unwrap(), expected);
            assert!(upload.write(b"more", &|| false).is_err());
        }
    }

    #[test]
    fn one_that_is_given_up_is_not() {
        let (mut upload, store) = upload("given-up");
        upload.write(&vec![1; 3 * PART_BYTES], &|| false).unwrap();
        drop(upload);
        assert_eq!(content(&store), None);
    }
}
