//! Keys of tables, as the four commands that ask for keys see them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::UpdateDeleteRules;
use tonic::Status;

use super::metadata::{CATALOG, columns, query, texts};
use crate::engine::{EngineError, Session, quote_literal};
use crate::flight::status::from_engine;

/// One row per column of a primary, unique or foreign key; `sequence` counts them from 1. Names are those of the
/// columns, not what the constraint calls them, which may differ in case. A foreign key refers to a table of its own
/// schema: DuckDB has no others.
const KEY_COLUMNS: &str = "key_columns AS (
    SELECT keys.*, schemas.name AS schema_name, columns.column_name
    FROM (
        SELECT database_name, schema_oid, table_name, constraint_index, constraint_type, constraint_name,
            lower(referenced_table) AS referenced_table,
            lower(constraint_column_names::VARCHAR) AS own_columns,
            lower(referenced_column_names::VARCHAR) AS referenced_columns,
            unnest(constraint_column_indexes) AS position,
            generate_subscripts(constraint_column_indexes, 1) AS sequence
        FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
    ) AS keys
    JOIN schemas ON schemas.database_name = keys.database_name AND schemas.oid = keys.schema_oid
    JOIN duckdb_columns() AS columns ON columns.database_name = keys.database_name
        AND columns.schema_oid = keys.schema_oid AND columns.table_name = keys.table_name
        AND columns.column_index = keys.position + 1
)";

/// A table by its exact names.
pub struct Table {
    catalog: String,
    schema: String,
    name: String,
}

impl Table {
    /// Find the table that a command names, as DuckDB finds one that a statement names: unless given, the catalog is the
    /// current database (or `temp`) and the schema the current one or `main`.
    ///
    /// # Errors
    /// `NotFound` if there is no such table or view.
    pub async fn find(
        session: &Session,
        catalog: Option<&str>,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Self, Status> {
        let is = |column: &str, name: &str| format!("lower({column}) = lower({})", quote_literal(name));
        let in_catalog = catalog.map_or_else(
            || "relations.database_name IN (current_database(), 'temp')".to_string(),
            |catalog| is("relations.database_name", catalog),
        );
        let in_schema = schema.map_or_else(
            || {
                "(schemas.name = 'main' OR (relations.database_name = current_database() \
                    AND schemas.name = current_schema()))"
                    .to_string()
            },
            |schema| is("schemas.name", schema),
        );
        let sql = format!(
            "{CATALOG} SELECT relations.database_name, schemas.name, relations.name FROM relations \
             JOIN schemas ON schemas.database_name = relations.database_name AND schemas.oid = relations.schema_oid \
             WHERE {} AND {in_catalog} AND {in_schema} \
             ORDER BY relations.database_name = 'temp' DESC, schemas.name = current_schema() DESC LIMIT 1",
            is("relations.name", table)
        );
        let shape = columns(&[
            ("catalog", DataType::Utf8),
            ("schema", DataType::Utf8),
            ("name", DataType::Utf8),
        ]);
        let rows = query(session, sql, shape).await?;
        if rows.num_rows() == 0 {
            let name: Vec<_> = [catalog, schema, Some(table)].into_iter().flatten().collect();
            let missing = format!("Table with name {} does not exist!", name.join("."));
            return Err(from_engine(&EngineError::new("Catalog", missing)));
        }
        let text = |column: usize| texts(&rows, column).collect::<String>();
        Ok(Self {
            catalog: text(0),
            schema: text(1),
            name: text(2),
        })
    }

    /// The condition that a row of `key_columns` belongs to this table.
    fn owns(&self, key_columns: &str) -> String {
        format!(
            "{key_columns}.database_name = {} AND {key_columns}.schema_name = {} AND {key_columns}.table_name = {}",
            quote_literal(&self.catalog),
            quote_literal(&self.schema),
            quote_literal(&self.name)
        )
    }
}

/// Shape: what `CommandGetPrimaryKeys` sends.
pub fn primary_key_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// Shape: what the three commands about foreign keys send.
pub fn foreign_key_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

/// The columns of a table's primary key, in the key's order.
///
/// # Errors
/// DuckDB's own.
pub async fn primary_key(session: &Session, table: &Table) -> Result<RecordBatch, Status> {
    let sql = format!(
        "{CATALOG}, {KEY_COLUMNS} \
         SELECT database_name, schema_name, table_name, column_name, constraint_name, sequence FROM key_columns \
         WHERE constraint_type = 'PRIMARY KEY' AND {} ORDER BY sequence ASC",
        table.owns("key_columns")
    );
    query(session, sql, primary_key_schema()).await
}

/// The columns of the foreign keys between two sets of tables.
///
/// Shape: ordered by the referring table if only the referenced one is given, else by the referenced table.
///
/// # Errors
/// DuckDB's own.
pub async fn foreign_keys(
    session: &Session,
    referenced: Option<&Table>,
    referring: Option<&Table>,
) -> Result<RecordBatch, Status> {
    // DuckDB knows no other rule: it refuses the change.
    let rule = UpdateDeleteRules::NoAction as u8;
    let conditions: String = [
        referenced.map(|table| table.owns("pk")),
        referring.map(|table| table.owns("fk")),
    ]
    .into_iter()
    .flatten()
    .map(|condition| format!(" AND {condition}"))
    .collect();
    let (first, second) = if referring.is_some() {
        ("pk", "fk")
    } else {
        ("fk", "pk")
    };
    let sql = format!(
        "{CATALOG}, {KEY_COLUMNS} \
         SELECT pk.database_name, pk.schema_name, pk.table_name, pk.column_name, \
             fk.database_name, fk.schema_name, fk.table_name, fk.column_name, \
             fk.sequence, fk.constraint_name, pk.constraint_name, {rule}, {rule} \
         FROM key_columns AS fk JOIN key_columns AS pk \
             ON pk.database_name = fk.database_name AND pk.schema_oid = fk.schema_oid \
             AND lower(pk.table_name) = fk.referenced_table AND pk.own_columns = fk.referenced_columns \
             AND pk.sequence = fk.sequence AND pk.constraint_type IN ('PRIMARY KEY', 'UNIQUE') \
         WHERE fk.constraint_type = 'FOREIGN KEY'{conditions} \
         QUALIFY row_number() OVER ( \
             PARTITION BY fk.constraint_index, fk.sequence \
             ORDER BY pk.constraint_type ASC, pk.constraint_index ASC) = 1 \
         ORDER BY {first}.database_name ASC, {first}.schema_name ASC, {first}.table_name ASC, \
             {first}.constraint_name ASC, fk.sequence ASC, {second}.table_name ASC, fk.constraint_index ASC"
    );
    query(session, sql, foreign_key_schema()).await
}
