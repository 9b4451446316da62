//! `CommandGetTables`: tables and views, with their Arrow schemas if asked for.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::sql::CommandGetTables;
use arrow_flight::sql::metadata::{GetTablesBuilder, XdbcTypeInfo};
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{CATALOG, columns, flight_info, query, send, texts};
use super::types;
use crate::engine::{Description, Session, quote_identifier};
use crate::flight::encode::FlightDataStream;
use crate::flight::status::from_engine;

/// What JDBC calls an ordinary table.
const TABLE: &str = "TABLE";
const BASE_TABLE: &str = "BASE TABLE";
const VIEW: &str = "VIEW";

/// Up to so many tables, only their own columns are read.
const MAX_NAMED_TABLES: usize = 100;

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetTables,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let schema = command.clone().into_builder().schema();
    flight_info(&command, &schema, descriptor)
}

/// List the tables and views that pass the command's filters. The schema of one is that of `SELECT * FROM` it in this
/// session, except that columns declared NOT NULL are not nullable; that of a view that no longer binds is empty.
///
/// # Errors
/// DuckDB's own.
pub async fn do_get(session: &Session, mut command: CommandGetTables) -> Result<Response<FlightDataStream>, Status> {
    for table_type in &mut command.table_types {
        if table_type == TABLE {
            *table_type = BASE_TABLE.to_string();
        }
    }
    let include_schema = command.include_schema;
    command.include_schema = false;

    let relations = list(session).await?;
    // The builder filters and sorts as the specification says.
    let mut builder = command.into_builder();
    for relation in &relations {
        relation.append_to(&mut builder, &Schema::empty())?;
    }
    let found = builder.build()?;
    if !include_schema {
        return Ok(send(found));
    }
    let names: HashSet<_> = (texts(&found, 0).zip(texts(&found, 1)).zip(texts(&found, 2))).collect();
    let relations: Vec<_> = relations
        .iter()
        .filter(|relation| names.contains(&((relation.catalog.as_str(), &relation.schema), &relation.name)))
        .collect();
    Ok(send(with_schemas(session, &relations).await?))
}

/// A table or view.
struct Relation {
    catalog: String,
    schema: String,
    name: String,
    table_type: String,
    /// The schema's path for use in SQL.
    quoted_schema: String,
    /// DuckDB's number of it, unique in its database.
    oid: String,
    read_only: bool,
}

impl Relation {
    fn append_to(&self, builder: &mut GetTablesBuilder, schema: &Schema) -> arrow_flight::error::Result<()> {
        builder.append(&self.catalog, &self.schema, &self.name, &self.table_type, schema)
    }

    fn select_all(&self) -> String {
        format!(
            "SELECT * FROM {}.{}.{}",
            quote_identifier(&self.catalog),
            self.quoted_schema,
            quote_identifier(&self.name)
        )
    }
}

/// What the catalog knows of a column beyond its name and type.
struct Column {
    nullable: bool,
    generated: bool,
    default: String,
    comment: String,
}

type ColumnKey = (String, String, String);

async fn list(session: &Session) -> Result<Vec<Relation>, Status> {
    let sql = format!(
        "{CATALOG} SELECT relations.database_name, schemas.name, relations.name, relations.kind, schemas.quoted, \
             relations.oid, databases.readonly \
         FROM relations JOIN databases USING (database_name) \
         JOIN schemas ON schemas.database_name = relations.database_name AND schemas.oid = relations.schema_oid"
    );
    let shape = columns(&[
        ("catalog", DataType::Utf8),
        ("schema", DataType::Utf8),
        ("name", DataType::Utf8),
        ("type", DataType::Utf8),
        ("quoted_schema", DataType::Utf8),
        ("oid", DataType::Utf8),
        ("read_only", DataType::Boolean),
    ]);
    let rows = query(session, sql, shape).await?;
    let text = |column: usize, row: usize| rows.column(column).as_string::<i32>().value(row).to_string();
    let relations = (0..rows.num_rows()).map(|row| Relation {
        catalog: text(0, row),
        schema: text(1, row),
        name: text(2, row),
        table_type: text(3, row),
        quoted_schema: text(4, row),
        oid: text(5, row),
        read_only: rows.column(6).as_boolean().value(row),
    });
    Ok(relations.collect())
}

async fn with_schemas(session: &Session, relations: &[&Relation]) -> Result<RecordBatch, Status> {
    let queries = relations.iter().map(|relation| relation.select_all()).collect();
    let descriptions = session.bind_each(queries).await.map_err(|error| from_engine(&error))?;
    let columns = read_columns(session, relations).await?;
    let types = types::all();

    let unfiltered: Option<String> = None;
    let mut builder = GetTablesBuilder::new(unfiltered.clone(), unfiltered.clone(), unfiltered, [""; 0], true);
    for (relation, description) in relations.iter().zip(&descriptions) {
        let schema = match description {
            Some(description) => table_schema(relation, description, &columns, &types),
            None => Schema::empty(),
        };
        relation.append_to(&mut builder, &schema)?;
    }
    Ok(builder.build()?)
}

async fn read_columns(session: &Session, relations: &[&Relation]) -> Result<HashMap<ColumnKey, Column>, Status> {
    let mut sql = "SELECT database_name, table_oid, column_name, is_nullable, is_generated, column_default, comment \
                   FROM duckdb_columns() WHERE NOT internal AND column_name IS NOT NULL"
        .to_string();
    if relations.len() <= MAX_NAMED_TABLES {
        let oids: Vec<_> = relations.iter().map(|relation| relation.oid.as_str()).collect();
        sql += &format!(" AND table_oid IN (-1, {})", oids.join(", "));
    }
    let shape = columns(&[
        ("catalog", DataType::Utf8),
        ("oid", DataType::Utf8),
        ("name", DataType::Utf8),
        ("nullable", DataType::Boolean),
        ("generated", DataType::Boolean),
        ("default", DataType::Utf8),
        ("comment", DataType::Utf8),
    ]);
    let rows = query(session, sql, shape).await?;
    let text = |column: usize, row: usize| {
        let column = rows.column(column).as_string::<i32>();
        if column.is_null(row) {
            String::new()
        } else {
            column.value(row).to_string()
        }
    };
    let columns = (0..rows.num_rows()).map(|row| {
        let column = Column {
            nullable: rows.column(3).as_boolean().value(row),
            generated: rows.column(4).as_boolean().value(row),
            default: text(5, row),
            comment: text(6, row),
        };
        ((text(0, row), text(1, row), text(2, row)), column)
    });
    Ok(columns.collect())
}

fn table_schema(
    relation: &Relation,
    description: &Description,
    columns: &HashMap<ColumnKey, Column>,
    types: &[XdbcTypeInfo],
) -> Schema {
    let fields = description.schema.fields().iter().zip(&description.column_types);
    let fields = fields.map(|(field, column_type)| {
        let key = (relation.catalog.clone(), relation.oid.clone(), field.name().clone());
        describe_column(
            relation,
            field,
            column_type,
            columns.get(&key),
            types::of_column(types, column_type),
        )
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// The field with what Flight SQL lets a server say of a column.
///
/// Source: Flight SQL, `CommandGetTables`; `REMARKS` is a later addition to it.
fn describe_column(
    relation: &Relation,
    field: &Field,
    column_type: &str,
    column: Option<&Column>,
    info: Option<&XdbcTypeInfo>,
) -> Field {
    let (precision, scale) = match field.data_type() {
        DataType::Decimal128(precision, scale) if column_type.starts_with("DECIMAL") => {
            (Some(i32::from(*precision)), Some(i32::from(*scale)))
        }
        _ => info.map_or((None, None), |info| (info.column_size, info.maximum_scale)),
    };
    let flag = |set: bool| Some(if set { "1" } else { "0" }.to_string());
    let read_only = relation.read_only || relation.table_type == VIEW || column.is_some_and(|column| column.generated);
    let auto_increment = column.is_some_and(|column| column.default.starts_with("nextval("));
    let entries = [
        ("CATALOG_NAME", Some(relation.catalog.clone())),
        ("DB_SCHEMA_NAME", Some(relation.schema.clone())),
        // The specification's name is the one above; this is what clients look for.
        ("SCHEMA_NAME", Some(relation.schema.clone())),
        ("TABLE_NAME", Some(relation.name.clone())),
        ("TYPE_NAME", Some(column_type.to_string())),
        ("PRECISION", precision.map(|digits| digits.to_string())),
        ("SCALE", scale.map(|digits| digits.to_string())),
        ("IS_AUTO_INCREMENT", flag(auto_increment)),
        ("IS_CASE_SENSITIVE", flag(info.is_some_and(|info| info.case_sensitive))),
        ("IS_READ_ONLY", flag(read_only)),
        ("IS_SEARCHABLE", flag(true)),
        (
            "REMARKS",
            column
                .map(|column| column.comment.clone())
                .filter(|comment| !comment.is_empty()),
        ),
    ];
    let mut metadata = field.metadata().clone();
    metadata.extend(
        entries
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (format!("ARROW:FLIGHT:SQL:{name}"), value))),
    );
    field
        .clone()
        .with_nullable(column.is_none_or(|column| column.nullable))
        .with_metadata(metadata)
}
