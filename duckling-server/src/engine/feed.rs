//! Rows that this duckling computes for tasks of others to read: kept until the query has ended, in memory, and beyond that
//! on disk.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::EngineError;
use super::spill::{SpillFile, SpilledBatch};

/// How much of a feed is kept in memory, in bytes of Arrow buffers.
const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Batches that are first collected, and then read, by any number of readers.
pub struct Feed {
    schema: SchemaRef,
    state: Mutex<State>,
}

struct State {
    batches: Vec<Kept>,
    memory_bytes: usize,
    spill: SpillFile,
}

enum Kept {
    InMemory(RecordBatch),
    Spilled(SpilledBatch),
}

impl Feed {
    pub fn new(schema: SchemaRef, spill_folder: PathBuf) -> Self {
        Self {
            schema,
            state: Mutex::new(State {
                batches: Vec::new(),
                memory_bytes: 0,
                spill: SpillFile::new(spill_folder),
            }),
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
            Kept::Spilled(state.spill.write(&batch)?)
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
        let spilled = match state.batches.get(position) {
            None => return Ok(None),
            Some(Kept::InMemory(batch)) => return Ok(Some(batch.clone())),
            Some(Kept::Spilled(spilled)) => spilled.clone(),
        };
        drop(state);
        spilled.read().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn what_does_not_fit_into_memory_comes_back_in_order() {
        let batch = |first: i64| {
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + (2 << 20)));
            RecordBatch::try_from_iter([("i", numbers)]).unwrap()
        };
        let feed = Feed::new(batch(0).schema(), std::env::temp_dir());
        // 16 MB each
        let batches: Vec<_> = (0..6).map(batch).collect();
        for batch in &batches {
            feed.append(batch.clone()).unwrap();
        }
        assert!(!feed.lock().spill.is_empty());
        for (position, batch) in batches.iter().enumerate() {
            assert_eq!(feed.read(position).unwrap().as_ref(), Some(batch));
        }
        assert!(feed.read(batches.len()).unwrap().is_none());
    }
}
