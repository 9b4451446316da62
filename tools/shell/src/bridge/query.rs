//! The result of a statement, read chunk by chunk as text or drawn as a box.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::ffi::{self, RawBoxConfig, Slice};
use super::session::Session;
use crate::error::ShellError;

/// What a statement's result is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    Rows,
    /// EXPLAIN: the second column is a text that is drawn already.
    Plan,
    Changes,
    Nothing,
}

/// What a renderer must know of a column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnClass {
    Other,
    Numeric,
    Boolean,
    /// Nested values and JSON: in [`ChunkFormat::Json`] their text is JSON.
    Json,
}

/// Whether nested values read as DuckDB prints them or as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkFormat {
    Text,
    Json,
}

/// Names and classes of the columns, in the result's order.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub names: Vec<String>,
    pub classes: Vec<ColumnClass>,
}

/// How a box is drawn. Widths are in terminal cells; `max_width_cells` 0 means the terminal's width.
pub struct BoxConfig<'a> {
    pub max_rows: u64,
    pub max_width_cells: u64,
    pub null_value: &'a str,
    pub columns_mode: bool,
    /// DuckDB's `LargeNumberRendering`: 0 none, 1 in a footer, 2 all.
    pub large_numbers: u32,
}

/// A running or finished query. Dropping it ends the query.
pub struct Query<'session> {
    raw: NonNull<ffi::dh_query>,
    session: PhantomData<&'session Session>,
}

impl<'session> Query<'session> {
    /// # Safety
    /// `raw` must be a query handle that nobody else destroys, and its session must outlive `'session`.
    pub(super) unsafe fn from_raw(raw: NonNull<ffi::dh_query>) -> Self {
        Self {
            raw,
            session: PhantomData,
        }
    }

    pub fn kind(&self) -> QueryKind {
        // SAFETY: the query is alive.
        match unsafe { ffi::dh_query_get_kind(self.raw.as_ptr()) } {
            0 => QueryKind::Rows,
            1 => QueryKind::Plan,
            2 => QueryKind::Changes,
            _ => QueryKind::Nothing,
        }
    }

    pub fn columns(&self) -> Columns {
        let mut columns = Columns::default();
        // SAFETY: the query is alive.
        let count = unsafe { ffi::dh_query_column_count(self.raw.as_ptr()) };
        for column in 0..count {
            // SAFETY: `column` is in range, and the name is copied while the query is alive.
            let (name, class) = unsafe {
                let name = ffi::dh_query_column_name(self.raw.as_ptr(), column).bytes();
                (name, ffi::dh_query_column_class(self.raw.as_ptr(), column))
            };
            columns
                .names
                .push(String::from_utf8_lossy(name.unwrap_or_default()).into_owned());
            columns.classes.push(match class {
                1 => ColumnClass::Numeric,
                2 => ColumnClass::Boolean,
                3 => ColumnClass::Json,
                _ => ColumnClass::Other,
            });
        }
        columns
    }

    /// Read the next rows, or `None` at the end. Errors of the running query surface here.
    pub fn next_chunk(&mut self, format: ChunkFormat) -> Result<Option<Chunk<'session>>, ShellError> {
        let format = match format {
            ChunkFormat::Text => 0,
            ChunkFormat::Json => 1,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the query is alive; the error handle is ours.
        unsafe { ffi::check(ffi::dh_query_next(self.raw.as_ptr(), format, &mut raw))? };
        let Some(raw) = NonNull::new(raw) else {
            return Ok(None);
        };
        // SAFETY: the query and the chunk are alive.
        let (columns, rows) = unsafe {
            (
                ffi::dh_query_column_count(self.raw.as_ptr()),
                ffi::dh_chunk_row_count(raw.as_ptr()),
            )
        };
        Ok(Some(Chunk {
            raw,
            columns,
            rows,
            session: PhantomData,
        }))
    }

    /// Read the whole result and draw it with DuckDB's box renderer.
    pub fn draw_box(&mut self, config: &BoxConfig<'_>) -> Result<String, ShellError> {
        let raw_config = RawBoxConfig {
            max_rows: config.max_rows,
            max_width: config.max_width_cells,
            null_value: Slice::of(config.null_value),
            columns_mode: config.columns_mode,
            large_numbers: config.large_numbers,
        };
        let mut text = ptr::null_mut();
        // SAFETY: the query and the configuration's text are alive; the error and the text handle are ours.
        unsafe {
            ffi::check(ffi::dh_query_box(self.raw.as_ptr(), raw_config, &mut text))?;
            Ok(ffi::take_text(text).unwrap_or_default())
        }
    }
}

impl Drop for Query<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed once; the session outlives it.
        unsafe { ffi::dh_query_destroy(self.raw.as_ptr()) };
    }
}

/// Some rows of a result as text. It shares the query's buffers, and is dropped before the session.
pub struct Chunk<'session> {
    raw: NonNull<ffi::dh_chunk>,
    columns: usize,
    rows: usize,
    session: PhantomData<&'session Session>,
}

impl Chunk<'_> {
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// The value's text, or `None` for NULL. Panics unless both indexes are in range.
    pub fn value(&self, column: usize, row: usize) -> Option<Cow<'_, str>> {
        assert!(
            column < self.columns && row < self.rows,
            "no value at column {column}, row {row}"
        );
        // SAFETY: the indexes are in range, and the text is borrowed from the chunk.
        let bytes = unsafe { ffi::dh_chunk_value(self.raw.as_ptr(), column, row).bytes() };
        bytes.map(String::from_utf8_lossy)
    }
}

impl Drop for Chunk<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed once.
        unsafe { ffi::dh_chunk_destroy(self.raw.as_ptr()) };
    }
}
