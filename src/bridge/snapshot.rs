//! The remote catalog, laid out for C++.

use std::ptr;

use duckling_protocol::{CatalogResponse, Entry, Schema};

use super::ffi::{DhEntry, DhEntryState, DhSchema, DhSnapshot, DhStr, DhTableIndex};

/// The view that C++ sees, and everything it points into.
#[repr(C)]
pub struct SnapshotHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhSnapshot,
    schemas: Vec<DhSchema>,
    entries: Vec<DhEntry>,
    states: Vec<DhEntryState>,
    paths: Vec<DhStr>,
    indexes: Vec<DhTableIndex>,
    source: CatalogResponse,
}

impl SnapshotHandle {
    pub fn new(source: CatalogResponse) -> Self {
        let mut handle = Self {
            view: DhSnapshot {
                is_unchanged: source.snapshot.is_none(),
                version: source.snapshot.as_ref().map_or(0, |snapshot| snapshot.version),
                schemas: ptr::null(),
                schema_count: 0,
                entries: ptr::null(),
                entry_count: 0,
                states: ptr::null(),
                state_count: 0,
            },
            schemas: Vec::new(),
            entries: Vec::new(),
            states: Vec::new(),
            paths: Vec::new(),
            indexes: Vec::new(),
            source,
        };
        // Strings and vectors keep their heap addresses when the handle moves, and none changes after this.
        let source = handle.source.snapshot.as_ref();
        let schemas = source.map_or(&[] as &[Schema], |snapshot| &snapshot.schemas);
        let entries = || schemas.iter().flat_map(|schema| &schema.entries);
        handle.paths = schemas
            .iter()
            .flat_map(|schema| &schema.path)
            .map(|name| name.as_str().into())
            .collect();
        handle.indexes = entries()
            .flat_map(|entry| &entry.indexes)
            .map(|index| DhTableIndex {
                unique: index.unique,
                primary: index.primary,
                foreign: index.foreign,
                columns: index.columns.as_ptr(),
                column_count: index.columns.len(),
            })
            .collect();
        let mut paths = handle.paths.as_slice();
        handle.schemas = schemas
            .iter()
            .map(|schema| {
                let path = split(&mut paths, schema.path.len());
                DhSchema {
                    path: path.as_ptr(),
                    path_len: path.len(),
                    internal: schema.internal,
                }
            })
            .collect();
        let mut indexes = handle.indexes.as_slice();
        handle.entries = schemas
            .iter()
            .enumerate()
            .flat_map(|(number, schema)| schema.entries.iter().map(move |entry| (number, entry)))
            .map(|(schema, entry)| view_entry(schema, entry, split(&mut indexes, entry.indexes.len())))
            .collect();
        handle.states = handle
            .source
            .states
            .iter()
            .map(|state| DhEntryState {
                oid: state.oid,
                rows: state.rows,
                usage_count: state.usage_count,
                counter: state.counter,
                has_last_value: state.last_value.is_some(),
                last_value: state.last_value.unwrap_or_default(),
                distinct_counts: state.distinct_counts.as_ptr(),
                column_count: state.distinct_counts.len(),
            })
            .collect();
        handle.view.schemas = handle.schemas.as_ptr();
        handle.view.schema_count = handle.schemas.len();
        handle.view.entries = handle.entries.as_ptr();
        handle.view.entry_count = handle.entries.len();
        handle.view.states = handle.states.as_ptr();
        handle.view.state_count = handle.states.len();
        handle
    }
}

fn view_entry(schema: usize, entry: &Entry, indexes: &[DhTableIndex]) -> DhEntry {
    DhEntry {
        kind: entry.kind,
        schema,
        name: entry.name.as_str().into(),
        definition: entry.definition.as_slice().into(),
        oid: entry.oid,
        indexes: indexes.as_ptr(),
        index_count: indexes.len(),
    }
}

/// Take the first `count` elements off.
fn split<'a, T>(rest: &mut &'a [T], count: usize) -> &'a [T] {
    let (first, others) = rest.split_at(count);
    *rest = others;
    first
}
