//! The session of a connection: reading statements off a text, and what the prompt must know.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::connection::Connection;
use super::ffi::{self, Slice};
use super::query::Query;
use crate::error::ShellError;

/// The name of DuckDB's release.
pub fn release_codename() -> &'static str {
    // SAFETY: the bridge returns a static string.
    static_text(unsafe { ffi::dh_release_codename().bytes() })
}

/// The commit that DuckDB was built from.
pub fn release_commit() -> &'static str {
    // SAFETY: the bridge returns a static string.
    static_text(unsafe { ffi::dh_release_commit().bytes() })
}

fn static_text(bytes: Option<&'static [u8]>) -> &'static str {
    std::str::from_utf8(bytes.unwrap_or_default()).expect("DuckDB's release names are ASCII")
}

/// How far a text is from being one or more statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputState {
    /// Nothing but blanks and comments.
    Empty,
    /// The last statement has no `;` yet.
    Incomplete,
    Complete,
}

/// A connection that runs statements. It stays on the thread that made it.
pub struct Session {
    raw: NonNull<ffi::dh_session>,
    connection: Arc<Connection>,
}

impl Session {
    /// Make the session of a connection; `show_progress` draws DuckDB's progress bar on standard output.
    pub fn new(connection: Arc<Connection>, show_progress: bool) -> Result<Self, ShellError> {
        let mut raw = ptr::null_mut();
        // SAFETY: the connection is open and outlives the session, which holds it; the error handle is ours.
        unsafe { ffi::check(ffi::dh_session_create(connection.raw(), show_progress, &mut raw))? };
        let raw = NonNull::new(raw).expect("the bridge sets the handle unless it reports an error");
        Ok(Self { raw, connection })
    }

    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Name the database that the session is CONNECTed to.
    pub fn connected_database(&self) -> Result<Option<String>, ShellError> {
        let mut text = ptr::null_mut();
        // SAFETY: the session is alive; the error and the text handle are ours.
        unsafe {
            ffi::check(ffi::dh_session_connected_database(self.raw.as_ptr(), &mut text))?;
            Ok(ffi::take_text(text))
        }
    }

    /// Tell with DuckDB's tokenizer whether a text can be run or goes on in the next line.
    pub fn classify(&self, sql: &str) -> Result<InputState, ShellError> {
        let mut state = 0;
        // SAFETY: the session and the text are alive during the call; the error handle is ours.
        unsafe {
            ffi::check(ffi::dh_session_classify_input(
                self.raw.as_ptr(),
                Slice::of(sql),
                &mut state,
            ))?
        };
        Ok(match state {
            0 => InputState::Empty,
            1 => InputState::Incomplete,
            _ => InputState::Complete,
        })
    }

    /// Read the statements of a text one by one. A later one is parsed after the earlier ones have run.
    pub fn statements(&self, sql: &str) -> Result<Statements<'_>, ShellError> {
        let mut raw = ptr::null_mut();
        // SAFETY: the session and the text are alive during the call; the bridge copies the text.
        unsafe { ffi::check(ffi::dh_statements_create(self.raw.as_ptr(), Slice::of(sql), &mut raw))? };
        let raw = NonNull::new(raw).expect("the bridge sets the handle unless it reports an error");
        Ok(Statements {
            raw,
            session: PhantomData,
        })
    }

    /// Start a statement. Its result must be dropped before the next one starts.
    pub fn submit(&self, statement: Statement<'_>) -> Result<Query<'_>, ShellError> {
        let mut raw = ptr::null_mut();
        // SAFETY: the session is alive; the bridge takes the statement over, whether it fails or not.
        unsafe { ffi::check(ffi::dh_query_submit(self.raw.as_ptr(), statement.release(), &mut raw))? };
        let raw = NonNull::new(raw).expect("the bridge sets the handle unless it reports an error");
        // SAFETY: the handle is fresh, and the query borrows the session that it reads.
        Ok(unsafe { Query::from_raw(raw) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: statements and queries borrow the session, so none is left; the connection is dropped after it.
        unsafe { ffi::dh_session_destroy(self.raw.as_ptr()) };
    }
}

/// The statements of one text. Dropped before the session that parses them.
pub struct Statements<'session> {
    raw: NonNull<ffi::dh_statements>,
    session: PhantomData<&'session Session>,
}

impl<'session> Statements<'session> {
    /// Parse the next statement, or return `None` at the end of the text.
    pub fn next(&mut self) -> Result<Option<Statement<'session>>, ShellError> {
        let mut raw = ptr::null_mut();
        // SAFETY: the iterator and its session are alive; the error handle is ours.
        unsafe { ffi::check(ffi::dh_statements_next(self.raw.as_ptr(), &mut raw))? };
        Ok(NonNull::new(raw).map(|raw| Statement {
            raw,
            session: PhantomData,
        }))
    }
}

impl Drop for Statements<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed once.
        unsafe { ffi::dh_statements_destroy(self.raw.as_ptr()) };
    }
}

/// One parsed statement.
pub struct Statement<'session> {
    raw: NonNull<ffi::dh_statement>,
    session: PhantomData<&'session Session>,
}

impl Statement<'_> {
    fn release(self) -> *mut ffi::dh_statement {
        let raw = self.raw.as_ptr();
        std::mem::forget(self);
        raw
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle was not released, and is destroyed once.
        unsafe { ffi::dh_statement_destroy(self.raw.as_ptr()) };
    }
}
