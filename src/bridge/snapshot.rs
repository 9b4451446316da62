//! The remote catalog, laid out for C++.

use std::ptr;

use duckling_protocol::CatalogSnapshot;

use super::ffi::{DhColumn, DhRelation, DhSnapshot, DhStr};

/// The view that C++ sees, and everything it points into.
#[repr(C)]
pub struct SnapshotHandle {
    // First, so that a pointer to the handle is one to the view.
    view: DhSnapshot,
    schemas: Vec<DhStr>,
    relations: Vec<DhRelation>,
    columns: Vec<DhColumn>,
    source: CatalogSnapshot,
}

impl SnapshotHandle {
    pub fn new(source: CatalogSnapshot) -> Self {
        let mut handle = Self {
            view: DhSnapshot {
                version: source.version,
                schemas: ptr::null(),
                schema_count: 0,
                relations: ptr::null(),
                relation_count: 0,
            },
            schemas: Vec::new(),
            relations: Vec::new(),
            columns: Vec::new(),
            source,
        };
        // Strings and vectors keep their heap addresses when the handle moves, and none changes after this.
        handle.schemas = handle
            .source
            .schemas
            .iter()
            .map(|schema| schema.name.as_str().into())
            .collect();
        let relations = || {
            handle
                .source
                .schemas
                .iter()
                .flat_map(|schema| schema.relations.iter().map(move |relation| (schema, relation)))
        };
        handle.columns = relations()
            .flat_map(|(_, relation)| &relation.columns)
            .map(|column| DhColumn {
                name: column.name.as_str().into(),
                data_type: column.data_type.as_str().into(),
            })
            .collect();
        let mut columns = handle.columns.as_slice();
        handle.relations = relations()
            .map(|(schema, relation)| {
                let (own, rest) = columns.split_at(relation.columns.len());
                columns = rest;
                DhRelation {
                    kind: relation.kind,
                    schema: schema.name.as_str().into(),
                    name: relation.name.as_str().into(),
                    sql: relation.sql.as_str().into(),
                    columns: own.as_ptr(),
                    column_count: own.len(),
                    estimated_rows: relation.estimated_rows,
                    comment: relation.comment.as_deref().map_or(DhStr::NULL, DhStr::from),
                }
            })
            .collect();
        handle.view.schemas = handle.schemas.as_ptr();
        handle.view.schema_count = handle.schemas.len();
        handle.view.relations = handle.relations.as_ptr();
        handle.view.relation_count = handle.relations.len();
        handle
    }
}
