//! Batches of a result that nobody reads yet, on disk.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::error::EngineError;

/// A file without a name: it is gone when it is dropped, or with the process.
pub struct SpillFile {
    file: File,
    written_bytes: u64,
}

/// Where a batch is in the file.
#[derive(Clone, Copy)]
pub struct Place {
    offset: u64,
    pub bytes: usize,
}

impl SpillFile {
    /// Make a file in `folder`.
    ///
    /// # Errors
    /// `IO` if the folder cannot be written to.
    pub fn create(folder: &Path) -> Result<Self, EngineError> {
        let file = tempfile::tempfile_in(folder).map_err(|error| {
            EngineError::new("IO", format!("cannot spill a result to {}: {error}", folder.display()))
        })?;
        Ok(Self { file, written_bytes: 0 })
    }

    /// Append a batch. Blocks.
    ///
    /// # Errors
    /// `IO` if the disk is full.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Place, EngineError> {
        let mut message = Vec::with_capacity(batch.get_array_memory_size());
        let mut writer = StreamWriter::try_new(&mut message, batch.schema_ref())?;
        writer.write(batch)?;
        writer.finish()?;
        drop(writer);
        self.file
            .write_all(&message)
            .map_err(|error| EngineError::new("IO", format!("cannot spill a result: {error}")))?;
        let place = Place {
            offset: self.written_bytes,
            bytes: message.len(),
        };
        self.written_bytes += message.len() as u64;
        Ok(place)
    }

    /// A second handle on the same file, for reading while it is written.
    ///
    /// # Errors
    /// `IO` if the process has no file descriptors left.
    pub fn reader(&self) -> Result<SpillReader, EngineError> {
        let file = self
            .file
            .try_clone()
            .map_err(|error| EngineError::new("IO", format!("cannot read a spilled result: {error}")))?;
        Ok(SpillReader(file))
    }
}

/// Reads what was spilled.
pub struct SpillReader(File);

impl SpillReader {
    /// Read a batch back. Blocks.
    ///
    /// # Errors
    /// `IO` if the file cannot be read.
    pub fn read(&self, place: Place) -> Result<RecordBatch, EngineError> {
        let mut message = vec![0; place.bytes];
        self.0
            .read_exact_at(&mut message, place.offset)
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
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int32Type, Schema};

    use super::*;

    #[test]
    fn batches_come_back_in_any_order() {
        let mut file = SpillFile::create(&std::env::temp_dir()).unwrap();
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
        let reader = file.reader().unwrap();
        assert_eq!(reader.read(second).unwrap(), two);
        assert_eq!(reader.read(first).unwrap(), one);
    }
}
