//! Rows that this duckling computes for tasks of others to read: kept until the query has ended, in memory, and beyond that
//! on disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::EngineError;
use super::spill::{Place, SpillFile, SpillReader};

/// How much of a feed is kept in memory, in bytes of Arrow buffers.
const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Batches that are first collected, and then read, by any number of readers.
pub struct Feed {
    schema: SchemaRef,
    spill_folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    batches: Vec<Kept>,
    memory_bytes: usize,
    spill: Option<Spill>,
}

struct Spill {
    file: SpillFile,
    reader: Arc<SpillReader>,
}

enum Kept {
    InMemory(RecordBatch),
    Spilled(Place),
}

impl Feed {
    pub fn new(schema: SchemaRef, spill_folder: &Path) -> Self {
        Self {
            schema,
            spill_folder: spill_folder.to_path_buf(),
            state: Mutex::default(),
        }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add a batch. Blocks.
    ///
    /// # Errors
    /// `IO` if the disk is full.
    pub fn append(&self, batch: RecordBatch) -> Result<(), EngineError> {
        let bytes = batch.get_array_memory_size();
        let mut state = self.lock();
        let kept = if state.memory_bytes + bytes <= MAX_MEMORY_BYTES {
            state.memory_bytes += bytes;
            Kept::InMemory(batch)
        } else {
            if state.spill.is_none() {
                let file = SpillFile::create(&self.spill_folder)?;
                let reader = Arc::new(file.reader()?);
                state.spill = Some(Spill { file, reader });
            }
            let Some(spill) = &mut state.spill else {
                return Err(EngineError::new("IO", "a feed has no place on disk"));
            };
            Kept::Spilled(spill.file.write(&batch)?)
        };
        state.batches.push(kept);
        Ok(())
    }

    /// The batch at a position; absent behind the last one. Blocks.
    ///
    /// # Errors
    /// `IO` if it cannot be read back from disk.
    pub fn read(&self, position: usize) -> Result<Option<RecordBatch>, EngineError> {
        let state = self.lock();
        let (place, reader) = match (state.batches.get(position), &state.spill) {
            (None, _) => return Ok(None),
            (Some(Kept::InMemory(batch)), _) => return Ok(Some(batch.clone())),
            (Some(Kept::Spilled(place)), Some(spill)) => (*place, spill.reader.clone()),
            (Some(Kept::Spilled(_)), None) => {
                return Err(EngineError::new("IO", "the spilled rows of a feed are lost"));
            }
        };
        drop(state);
        reader.read(place).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn what_does_not_fit_into_memory_comes_back_in_order() {
        let batch = |first: i64| {
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + (2 << 20)));
            RecordBatch::try_from_iter([("i", numbers)]).unwrap()
        };
        let feed = Feed::new(batch(0).schema(), &std::env::temp_dir());
        // 16 MB each
        let batches: Vec<_> = (0..6).map(batch).collect();
        for batch in &batches {
            feed.append(batch.clone()).unwrap();
        }
        assert!(feed.lock().spill.is_some());
        for (position, batch) in batches.iter().enumerate() {
            assert_eq!(feed.read(position).unwrap().as_ref(), Some(batch));
        }
        assert!(feed.read(batches.len()).unwrap().is_none());
    }
}
