//! Batches that do not fit into memory, on disk.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::error::EngineError;

/// A file without a name, made for the first batch. It is gone when this and its batches are dropped, or with the process.
pub struct SpillFile {
    folder: PathBuf,
    file: Option<Arc<File>>,
    written_bytes: u64,
}

/// A batch that is on disk.
#[derive(Clone)]
pub struct SpilledBatch {
    file: Arc<File>,
    offset: u64,
    pub bytes: usize,
}

impl SpillFile {
    /// A file that will be in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            file: None,
            written_bytes: 0,
        }
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    /// Append a batch. Blocks.
    ///
    /// # Errors
    /// `IO` if the folder cannot be written to, or the disk is full.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<SpilledBatch, EngineError> {
        let mut message = Vec::with_capacity(batch.get_array_memory_size());
        let mut writer = StreamWriter::try_new(&mut message, batch.schema_ref())?;
        writer.write(batch)?;
        writer.finish()?;
        drop(writer);
        let file = self.open()?;
        file.as_ref()
            .write_all(&message)
            .map_err(|error| EngineError::new("IO", format!("cannot spill a result: {error}")))?;
        let batch = SpilledBatch {
            file,
            offset: self.written_bytes,
            bytes: message.len(),
        };
        self.written_bytes += message.len() as u64;
        Ok(batch)
    }

    /// Let go of the file: what is written from now on is in another one.
    pub fn clear(&mut self) {
        self.file = None;
        self.written_bytes = 0;
    }

    fn open(&mut self) -> Result<Arc<File>, EngineError> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = tempfile::tempfile_in(&self.folder).map_err(|error| {
            EngineError::new(
                "IO",
                format!("cannot spill a result to {}: {error}", self.folder.display()),
            )
        })?;
        Ok(self.file.insert(Arc::new(file)).clone())
    }
}

impl SpilledBatch {
    /// Read the batch back. Blocks.
    ///
    /// # Errors
    /// `IO` if the file cannot be read.
    pub fn read(&self) -> Result<RecordBatch, EngineError> {
        let mut message = vec![0; self.bytes];
        self.file
            .read_exact_at(&mut message, self.offset)
            .map_err(|error| EngineError::new("IO", format!("cannot read a spilled result: {error}")))?;
        let mut batches = StreamReader::try_new(Cursor::new(message), None)?;
        let batch = batches
            .next()
            .ok_or_else(|| EngineError::new("IO", "a spilled batch is missing"))?;
        Ok(batch?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int32Type, Schema};

    use super::*;

    #[test]
    fn batches_come_back_in_any_order() {
        let mut file = SpillFile::new(std::env::temp_dir());
        let schema = Arc::new(Schema::new(vec![
            Field::new("i", DataType::Int64, true),
            Field::new(
                "e",
                DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()),
                true,
            ),
        ]));
        let batch = |i: i64, text: &str| {
            let numbers = Int64Array::from(vec![Some(i), None]);
            let texts: DictionaryArray<Int32Type> = [Some(text), None].into_iter().collect();
            RecordBatch::try_new(schema.clone(), vec![Arc::new(numbers), Arc::new(texts)]).unwrap()
        };
        let (one, two) = (batch(1, "a"), batch(2, "b"));
        let (first, second) = (file.write(&one).unwrap(), file.write(&two).unwrap());
        drop(file);
        assert_eq!(second.read().unwrap(), two);
        assert_eq!(first.read().unwrap(), one);
    }
}
