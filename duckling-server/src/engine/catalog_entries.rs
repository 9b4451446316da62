//! The pieces of a catalog that C++ hands out, as messages to a client.

use std::ffi::c_void;

use duckling_protocol::{Entry, EntryState, Schema, TableIndex};

use super::connection::Connection;
use super::error::EngineError;
use super::ffi;

/// What one visit of a catalog has found.
#[derive(Default)]
pub struct CatalogEntries {
    /// Without entries, if only states were asked for.
    pub schemas: Vec<Schema>,
    pub states: Vec<EntryState>,
}

impl CatalogEntries {
    /// Read what users have created in a database, in the connection's transaction.
    ///
    /// # Errors
    /// DuckDB's own.
    pub fn read(connection: &Connection, database: &str, states_only: bool) -> Result<Self, EngineError> {
        let mut found = Self::default();
        let visitor = ffi::DhEngineCatalogVisitor {
            context: (&raw mut found).cast(),
            schema: visit_schema,
            entry: visit_entry,
            state: visit_state,
        };
        // SAFETY: handle, name and visitor live for the call, and `found` is used by nothing else meanwhile.
        unsafe {
            ffi::check(ffi::dh_engine_connection_visit_catalog(
                connection.handle,
                database.into(),
                states_only,
                &visitor,
            ))?;
        }
        Ok(found)
    }
}

extern "C" fn visit_schema(found: *mut c_void, path: *const ffi::DhEngineStr, path_len: usize, internal: bool) {
    // SAFETY: C++ passes the context of the visitor back, and `path_len` texts that live for the call.
    let (found, path) = unsafe { (&mut *found.cast::<CatalogEntries>(), ffi::array(path, path_len)) };
    found.schemas.push(Schema {
        path: path.iter().map(|name| text(*name)).collect(),
        entries: Vec::new(),
        internal,
    });
}

extern "C" fn visit_entry(found: *mut c_void, entry: *const ffi::DhEngineEntry) {
    // SAFETY: C++ passes the context of the visitor back, and an entry that lives for the call, with all it points to.
    let (found, entry, definition, indexes) = unsafe {
        let entry = &*entry;
        (
            &mut *found.cast::<CatalogEntries>(),
            entry,
            entry.definition.as_bytes(),
            ffi::array(entry.indexes, entry.index_count),
        )
    };
    let Some(schema) = found.schemas.last_mut() else {
        return;
    };
    schema.entries.push(Entry {
        kind: entry.kind,
        name: text(entry.name),
        definition: definition.to_vec(),
        oid: entry.oid,
        indexes: indexes.iter().map(table_index).collect(),
    });
}

extern "C" fn visit_state(found: *mut c_void, state: *const ffi::DhEngineEntryState) {
    // SAFETY: C++ passes the context of the visitor back, and a state that lives for the call, with all it points to.
    let (found, state, distinct_counts) = unsafe {
        let state = &*state;
        (
            &mut *found.cast::<CatalogEntries>(),
            state,
            ffi::array(state.distinct_counts, state.column_count),
        )
    };
    found.states.push(EntryState {
        oid: state.oid,
        rows: state.rows,
        usage_count: state.usage_count,
        counter: state.counter,
        last_value: state.has_last_value.then_some(state.last_value),
        distinct_counts: distinct_counts.to_vec(),
    });
}

fn table_index(index: &ffi::DhEngineTableIndex) -> TableIndex {
    TableIndex {
        unique: index.unique,
        primary: index.primary,
        foreign: index.foreign,
        // SAFETY: C++ fills the numbers, which live for the call.
        columns: unsafe { ffi::array(index.columns, index.column_count) }.to_vec(),
    }
}

fn text(text: ffi::DhEngineStr) -> String {
    // SAFETY: C++ passes texts that live for the call.
    String::from_utf8_lossy(unsafe { text.as_bytes() }).into_owned()
}
