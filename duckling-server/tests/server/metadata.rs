//! The Flight SQL commands that describe what the server has: contents, filters and exact schemas.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UnionArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit, UInt32Type};
use arrow::util::display::array_value_to_string;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    ProstMessageExt, SqlInfo, XdbcDataType,
};
use arrow_flight::{FlightDescriptor, FlightInfo, IpcMessage};
use duckling_protocol::{ErrorDetail, SESSION_HEADER};
use futures::TryStreamExt;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fixture::{open_session, with_server};

type Client = FlightSqlServiceClient<Channel>;

/// A client without a session: each call has one of its own.
async fn with_client<Test: Future<Output = ()>>(setup: &[&str], test: impl FnOnce(Client) -> Test) {
    with_server(|channel| async move {
        let mut client = FlightSqlServiceClient::new(channel);
        run(&mut client, setup).await;
        test(client).await;
    })
    .await;
}

/// A client that keeps one session, whose results have standard Arrow types.
async fn with_session<Test: Future<Output = ()>>(setup: &[&str], test: impl FnOnce(Client) -> Test) {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let mut client = FlightSqlServiceClient::new(channel);
        client.set_header(SESSION_HEADER, session);
        run(&mut client, &["SET arrow_lossless_conversion = false"]).await;
        run(&mut client, setup).await;
        test(client).await;
    })
    .await;
}

async fn run(client: &mut Client, statements: &[&str]) {
    for sql in statements {
        client.execute_update((*sql).to_string(), None).await.expect(sql);
    }
}

/// Everything that the call's one endpoint has, which must be as announced.
async fn try_fetch_info(client: &mut Client, info: FlightInfo) -> Result<RecordBatch, Status> {
    let ticket = info.endpoint[0].ticket.clone().expect("an endpoint has a ticket");
    let announced = Arc::new(info.try_decode_schema().expect("a schema"));
    let mut stream = client.do_get(ticket).await.map_err(|error| match error {
        FlightError::Tonic(status) => *status,
        other => panic!("not the server's: {other}"),
    })?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await.expect("the result ends well") {
        batches.push(batch);
    }
    assert_eq!(
        stream.schema().expect("a stream begins with its schema"),
        &announced,
        "announced and sent"
    );
    Ok(concat_batches(&announced, &batches).expect("batches of one schema"))
}

async fn fetch(client: &mut Client, info: FlightInfo) -> RecordBatch {
    try_fetch_info(client, info).await.expect("the command succeeds")
}

/// Fetch by command, for those whose errors matter.
async fn try_fetch(client: &mut Client, command: impl ProstMessageExt) -> Result<RecordBatch, Status> {
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let info = client.inner_mut().get_flight_info(descriptor).await?.into_inner();
    try_fetch_info(client, info).await
}

/// The first `count` columns as text; NULL is empty.
fn rows(batch: &RecordBatch, count: usize) -> Vec<String> {
    let cell = |column: usize, row: usize| array_value_to_string(batch.column(column), row).expect("a printable type");
    (0..batch.num_rows())
        .map(|row| {
            (0..count)
                .map(|column| cell(column, row))
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect()
}

fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field::new(name, data_type, nullable)
}

async fn tables(client: &mut Client, command: CommandGetTables) -> RecordBatch {
    let info = client.get_tables(command).await.expect("tables");
    fetch(client, info).await
}

async fn table_schemas(client: &mut Client, catalog: &str) -> BTreeMap<String, Schema> {
    let command = CommandGetTables {
        catalog: Some(catalog.to_string()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    let batch = tables(client, command).await;
    let names: &StringArray = batch.column(2).as_string();
    let encoded = batch.column(4).as_binary::<i32>();
    let decode = |bytes: &[u8]| Schema::try_from(IpcMessage(bytes.to_vec().into())).expect("an IPC schema");
    names
        .iter()
        .flatten()
        .map(String::from)
        .zip(encoded.iter().flatten().map(decode))
        .collect()
}

fn described<'a>(schema: &'a Schema, column: &str, key: &str) -> Option<&'a str> {
    let field = schema.field_with_name(column).expect("the column exists");
    field
        .metadata()
        .get(&format!("ARROW:FLIGHT:SQL:{key}"))
        .map(String::as_str)
}

const TWO_DATABASES: [&str; 8] = [
    "ATTACH ':memory:' AS sales",
    "CREATE SCHEMA sales.eu_west",
    "CREATE SCHEMA sales.euXwest",
    "CREATE SCHEMA sales.eu_west.inner",
    "CREATE TABLE sales.eu_west.orders (i INTEGER)",
    "CREATE TABLE sales.eu_west.inner.deep (i INTEGER)",
    "CREATE VIEW sales.order_view AS SELECT * FROM sales.eu_west.orders",
    "CREATE TABLE t (i INTEGER)",
];

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_are_the_attached_databases() {
    with_client(&TWO_DATABASES, |mut client| async move {
        let info = client.get_catalogs().await.unwrap();
        let batch = fetch(&mut client, info).await;
        assert_eq!(
            *batch.schema(),
            Schema::new(vec![field("catalog_name", DataType::Utf8, false)])
        );
        assert_eq!(rows(&batch, 1), ["memory", "sales"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_filtered() {
    with_client(&TWO_DATABASES, |mut client| async move {
        let all = [
            "memory | main",
            "sales | euXwest",
            "sales | eu_west",
            "sales | eu_west.inner",
            "sales | main",
        ];
        for (catalog, pattern, expected) in [
            (None, None, all.as_slice()),
            (Some("memory"), None, &["memory | main"]),
            (None, Some("main"), &["memory | main", "sales | main"]),
            (Some("sales"), Some("eu_west"), &["sales | euXwest", "sales | eu_west"]),
            (Some("sales"), Some("eu\\_west"), &["sales | eu_west"]),
            (
                Some("sales"),
                Some("eu\\_w%"),
                &["sales | eu_west", "sales | eu_west.inner"],
            ),
            (Some("SALES"), None, &[]),
            (Some(""), None, &[]),
            (None, Some(""), &[]),
        ] {
            let command = CommandGetDbSchemas {
                catalog: catalog.map(String::from),
                db_schema_filter_pattern: pattern.map(String::from),
            };
            let info = client.get_db_schemas(command).await.unwrap();
            let batch = fetch(&mut client, info).await;
            assert_eq!(rows(&batch, 2), expected, "{catalog:?} {pattern:?}");
            assert_eq!(
                *batch.schema(),
                Schema::new(vec![
                    field("catalog_name", DataType::Utf8, true),
                    field("db_schema_name", DataType::Utf8, false),
                ])
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_filtered() {
    with_client(&TWO_DATABASES, |mut client| async move {
        let all = [
            "memory | main | t | BASE TABLE",
            "sales | eu_west | orders | BASE TABLE",
            "sales | eu_west.inner | deep | BASE TABLE",
            "sales | main | order_view | VIEW",
        ];
        let filters =
            |catalog: Option<&str>, schema: Option<&str>, table: Option<&str>, types: &[&str]| CommandGetTables {
                catalog: catalog.map(String::from),
                db_schema_filter_pattern: schema.map(String::from),
                table_name_filter_pattern: table.map(String::from),
                table_types: types.iter().map(|name| (*name).to_string()).collect(),
                include_schema: false,
            };
        for (command, expected) in [
            (filters(None, None, None, &[]), all.as_slice()),
            (filters(Some("sales"), None, None, &[]), &all[1..]),
            (filters(Some(""), None, None, &[]), &[]),
            (filters(None, Some("main"), None, &[]), &[all[0], all[3]]),
            (filters(None, Some(""), None, &[]), &[]),
            (filters(None, None, Some("order%"), &[]), &[all[1], all[3]]),
            (filters(None, None, Some("order\\_%"), &[]), &[all[3]]),
            (filters(None, None, Some("_"), &[]), &all[..1]),
            (filters(None, None, Some("'; DROP TABLE t; --"), &[]), &[]),
            (filters(None, None, None, &["VIEW"]), &all[3..]),
            (filters(None, None, None, &["BASE TABLE"]), &all[..3]),
            (filters(None, None, None, &["TABLE"]), &all[..3]),
            (filters(None, None, None, &["VIEW", "BASE TABLE"]), &all),
            (filters(None, None, None, &["SYSTEM TABLE"]), &[]),
        ] {
            let batch = tables(&mut client, command.clone()).await;
            assert_eq!(rows(&batch, 4), expected, "{command:?}");
            let mut fields = vec![
                field("catalog_name", DataType::Utf8, true),
                field("db_schema_name", DataType::Utf8, true),
                field("table_name", DataType::Utf8, false),
                field("table_type", DataType::Utf8, false),
            ];
            assert_eq!(*batch.schema(), Schema::new(fields.clone()));

            let with_schema = CommandGetTables {
                include_schema: true,
                ..command.clone()
            };
            let batch = tables(&mut client, with_schema).await;
            assert_eq!(rows(&batch, 4), expected, "{command:?} with schemas");
            fields.push(field("table_schema", DataType::Binary, false));
            assert_eq!(*batch.schema(), Schema::new(fields));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_types_are_those_of_the_tables() {
    let setup = [
        "CREATE TABLE t (i INTEGER)",
        "CREATE TEMP TABLE u (i INTEGER)",
        "CREATE VIEW v AS FROM t",
    ];
    with_session(&setup, |mut client| async move {
        let info = client.get_table_types().await.unwrap();
        let batch = fetch(&mut client, info).await;
        assert_eq!(
            *batch.schema(),
            Schema::new(vec![field("table_type", DataType::Utf8, false)])
        );
        assert_eq!(rows(&batch, 1), ["BASE TABLE", "LOCAL TEMPORARY", "VIEW"]);
        let found = tables(&mut client, CommandGetTables::default()).await;
        let expected = [
            "memory | main | t | BASE TABLE",
            "memory | main | v | VIEW",
            "temp | main | u | LOCAL TEMPORARY",
        ];
        assert_eq!(rows(&found, 4), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_objects_show_only_in_their_session() {
    with_session(&["CREATE TEMP VIEW v AS SELECT 1 AS i"], |mut client| async move {
        let info = client.get_catalogs().await.unwrap();
        assert_eq!(rows(&fetch(&mut client, info).await, 1), ["memory", "temp"]);
        let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
        assert_eq!(
            rows(&fetch(&mut client, info).await, 2),
            ["memory | main", "temp | main"]
        );

        let mut other = FlightSqlServiceClient::new_from_inner(FlightServiceClient::clone(client.inner()));
        let info = other.get_catalogs().await.unwrap();
        assert_eq!(rows(&fetch(&mut other, info).await, 1), ["memory"]);
        assert_eq!(tables(&mut other, CommandGetTables::default()).await.num_rows(), 0);
    })
    .await;
}

const WIDE_TABLE: &str = "CREATE TABLE wide (
    id BIGINT PRIMARY KEY DEFAULT nextval('ids'), flag BOOLEAN NOT NULL, price DECIMAL(12,3), huge HUGEINT, real FLOAT,
    name VARCHAR, day DATE, moment TIMESTAMP, zoned TIMESTAMPTZ, seconds TIMESTAMP_S, mood ENUM ('sad', 'ok'),
    bits BLOB, list INTEGER[], record STRUCT(a INTEGER, b VARCHAR), twice BIGINT GENERATED ALWAYS AS (id * 2))";

#[tokio::test(flavor = "multi_thread")]
async fn table_schemas_are_those_of_their_rows() {
    let setup = [
        "CREATE SEQUENCE ids",
        WIDE_TABLE,
        "COMMENT ON COLUMN wide.name IS 'what it''s called'",
        "CREATE VIEW narrow AS SELECT id, price FROM wide",
        "CREATE SCHEMA \"od\"\"d\"",
        "CREATE TABLE \"od\"\"d\".\"ta\"\"ble\" (\"co\"\"l\" INTEGER NOT NULL)",
    ];
    with_client(&setup, |mut client| async move {
        let schemas = table_schemas(&mut client, "memory").await;
        for (table, sql) in [
            ("wide", "FROM wide"),
            ("narrow", "FROM narrow"),
            ("ta\"ble", "FROM \"od\"\"d\".\"ta\"\"ble\""),
        ] {
            let info = client.execute(sql.to_string(), None).await.expect(sql);
            let of_rows = info.try_decode_schema().expect("a schema");
            let plain = |schema: &Schema| -> Vec<_> {
                let fields = schema.fields().iter();
                fields
                    .map(|field| (field.name().clone(), field.data_type().clone()))
                    .collect()
            };
            assert_eq!(plain(&schemas[table]), plain(&of_rows), "{table}");
        }

        let wide = &schemas["wide"];
        let nullable = |name: &str| wide.field_with_name(name).unwrap().is_nullable();
        assert!(!nullable("id") && !nullable("flag") && nullable("price") && nullable("twice"));
        let types = |name: &str| wide.field_with_name(name).unwrap().data_type().clone();
        assert_eq!(types("price"), DataType::Decimal128(12, 3));
        assert_eq!(types("huge"), DataType::Decimal128(38, 0));
        assert_eq!(types("seconds"), DataType::Timestamp(TimeUnit::Second, None));

        for (column, key, expected) in [
            ("id", "CATALOG_NAME", Some("memory")),
            ("id", "DB_SCHEMA_NAME", Some("main")),
            ("id", "SCHEMA_NAME", Some("main")),
            ("id", "TABLE_NAME", Some("wide")),
            ("id", "TYPE_NAME", Some("BIGINT")),
            ("id", "PRECISION", Some("19")),
            ("id", "SCALE", Some("0")),
            ("id", "IS_AUTO_INCREMENT", Some("1")),
            ("id", "IS_READ_ONLY", Some("0")),
            ("id", "IS_CASE_SENSITIVE", Some("0")),
            ("id", "IS_SEARCHABLE", Some("1")),
            ("id", "REMARKS", None),
            ("flag", "IS_AUTO_INCREMENT", Some("0")),
            ("flag", "PRECISION", None),
            ("price", "TYPE_NAME", Some("DECIMAL(12,3)")),
            ("price", "PRECISION", Some("12")),
            ("price", "SCALE", Some("3")),
            ("huge", "TYPE_NAME", Some("HUGEINT")),
            ("huge", "PRECISION", Some("39")),
            ("real", "PRECISION", Some("24")),
            ("real", "SCALE", None),
            ("name", "TYPE_NAME", Some("VARCHAR")),
            ("name", "PRECISION", None),
            ("name", "IS_CASE_SENSITIVE", Some("1")),
            ("name", "REMARKS", Some("what it's called")),
            ("zoned", "TYPE_NAME", Some("TIMESTAMP WITH TIME ZONE")),
            ("zoned", "SCALE", Some("6")),
            ("seconds", "SCALE", Some("0")),
            ("mood", "TYPE_NAME", Some("ENUM('sad', 'ok')")),
            ("mood", "IS_CASE_SENSITIVE", Some("1")),
            ("list", "TYPE_NAME", Some("INTEGER[]")),
            ("list", "PRECISION", None),
            ("record", "TYPE_NAME", Some("STRUCT(a INTEGER, b VARCHAR)")),
            ("twice", "IS_READ_ONLY", Some("1")),
        ] {
            assert_eq!(described(wide, column, key), expected, "{column} {key}");
        }
        assert_eq!(described(&schemas["narrow"], "id", "IS_READ_ONLY"), Some("1"));
        let odd = &schemas["ta\"ble"];
        assert_eq!(described(odd, "co\"l", "DB_SCHEMA_NAME"), Some("od\"d"));
        assert!(!odd.field(0).is_nullable());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_nested_schema_has_its_schema() {
    with_client(&TWO_DATABASES, |mut client| async move {
        let schemas = table_schemas(&mut client, "sales").await;
        assert_eq!(
            described(&schemas["deep"], "i", "DB_SCHEMA_NAME"),
            Some("eu_west.inner")
        );
        assert_eq!(schemas["order_view"].fields().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_keeps_duckdb_types_sees_them_in_schemas() {
    let setup = [
        "SET arrow_lossless_conversion = true",
        "CREATE TABLE t (h HUGEINT, i INTEGER)",
    ];
    with_session(&setup, |mut client| async move {
        let schemas = table_schemas(&mut client, "memory").await;
        let field = schemas["t"].field_with_name("h").unwrap();
        assert_eq!(field.data_type(), &DataType::FixedSizeBinary(16));
        assert!(
            field
                .extension_type_metadata()
                .expect("an extension type")
                .contains("hugeint"),
            "{field:?}"
        );
        assert_eq!(described(&schemas["t"], "h", "TYPE_NAME"), Some("HUGEINT"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_arrow_settings_do_not_disturb_the_listings() {
    let setup = [
        "SET arrow_large_buffer_size = true",
        "SET arrow_output_version = '1.4'",
        "SET produce_arrow_string_view = true",
        "SET default_order = 'DESC'",
        "CREATE TABLE p (a INTEGER, b INTEGER, PRIMARY KEY (b, a))",
    ];
    with_session(&setup, |mut client| async move {
        let info = client.get_catalogs().await.unwrap();
        assert_eq!(rows(&fetch(&mut client, info).await, 1), ["memory"]);
        let key = primary_key(&mut client, (None, None, "p")).await.unwrap();
        assert_eq!(
            rows(&key, 6),
            [
                "memory | main | p | b | p_b_a_pkey | 1",
                "memory | main | p | a | p_b_a_pkey | 2"
            ]
        );
        assert_eq!(table_schemas(&mut client, "memory").await["p"].fields().len(), 2);
        sql_info(&mut client, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_sees_its_own_tables_and_survives_broken_views() {
    let file = std::env::temp_dir().join(format!("duckling-{}.csv", uuid::Uuid::new_v4()));
    std::fs::write(&file, "i\n1\n").expect("a temporary file");
    let failing = format!("CREATE VIEW failing AS FROM read_csv('{}')", file.display());
    let setup = [
        "CREATE TABLE gone (i INTEGER)",
        "CREATE VIEW broken AS FROM gone",
        "DROP TABLE gone",
        &failing,
    ];
    with_session(&setup, |mut client| async move {
        std::fs::remove_file(&file).expect("the file is there");
        let begin = ["BEGIN TRANSACTION", "CREATE TABLE uncommitted (i INTEGER NOT NULL)"];
        run(&mut client, &begin).await;

        let schemas = table_schemas(&mut client, "memory").await;
        let names: Vec<_> = schemas.keys().map(String::as_str).collect();
        assert_eq!(names, ["broken", "failing", "uncommitted"]);
        for view in ["broken", "failing"] {
            assert_eq!(schemas[view].fields().len(), 0, "{view} does not bind");
        }
        assert_eq!(schemas["uncommitted"].fields().len(), 1);

        // The transaction goes on: nothing here has aborted it
        run(&mut client, &["INSERT INTO uncommitted VALUES (1)"]).await;
        let status = primary_key(&mut client, (None, None, "missing")).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        run(&mut client, &["INSERT INTO uncommitted VALUES (2)"]).await;

        let mut other = FlightSqlServiceClient::new_from_inner(FlightServiceClient::clone(client.inner()));
        let found = tables(&mut other, CommandGetTables::default()).await;
        assert_eq!(
            rows(&found, 3),
            ["memory | main | broken", "memory | main | failing"],
            "nobody else sees it"
        );
        run(&mut client, &["COMMIT"]).await;
        assert_eq!(tables(&mut other, CommandGetTables::default()).await.num_rows(), 3);
    })
    .await;
}

type Name<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

async fn primary_key(client: &mut Client, (catalog, schema, table): Name<'_>) -> Result<RecordBatch, Status> {
    let command = CommandGetPrimaryKeys {
        catalog: catalog.map(String::from),
        db_schema: schema.map(String::from),
        table: table.to_string(),
    };
    try_fetch(client, command).await
}

const KEYS: [&str; 10] = [
    "CREATE TABLE parent (id INTEGER, code VARCHAR, \"Part\" INTEGER UNIQUE, PRIMARY KEY (CODE, Id))",
    "CREATE TABLE child (x INTEGER, y VARCHAR, z INTEGER REFERENCES parent (part), up INTEGER,
        FOREIGN KEY (Y, X) REFERENCES Parent)",
    "CREATE TABLE other (p INTEGER PRIMARY KEY REFERENCES parent (\"Part\"))",
    "CREATE TABLE tree (node INTEGER PRIMARY KEY, above INTEGER REFERENCES tree (node))",
    "CREATE TABLE plain (i INTEGER)",
    "CREATE VIEW v AS FROM parent",
    "CREATE SCHEMA s",
    "CREATE TABLE s.parent (k INTEGER PRIMARY KEY)",
    "ATTACH ':memory:' AS second",
    "CREATE TABLE second.main.parent (far INTEGER PRIMARY KEY)",
];

#[tokio::test(flavor = "multi_thread")]
async fn primary_keys_of_the_named_table() {
    with_client(&KEYS, |mut client| async move {
        let composite = [
            "memory | main | parent | code | parent_code_id_pkey | 1",
            "memory | main | parent | id | parent_code_id_pkey | 2",
        ];
        for (name, expected) in [
            ((None, None, "parent"), composite.as_slice()),
            ((None, None, "PARENT"), &composite),
            ((Some("memory"), Some("main"), "parent"), &composite),
            (
                (None, Some("s"), "parent"),
                &["memory | s | parent | k | parent_k_pkey | 1"],
            ),
            (
                (Some("second"), None, "parent"),
                &["second | main | parent | far | parent_far_pkey | 1"],
            ),
            ((None, None, "plain"), &[]),
            ((None, None, "v"), &[]),
        ] {
            let batch = primary_key(&mut client, name).await.unwrap();
            assert_eq!(rows(&batch, 6), expected, "{name:?}");
            assert_eq!(
                *batch.schema(),
                Schema::new(vec![
                    field("catalog_name", DataType::Utf8, true),
                    field("db_schema_name", DataType::Utf8, true),
                    field("table_name", DataType::Utf8, false),
                    field("column_name", DataType::Utf8, false),
                    field("key_name", DataType::Utf8, true),
                    field("key_sequence", DataType::Int32, false),
                ])
            );
        }
        for name in [
            (None, None, "missing"),
            (None, None, "it's; DROP TABLE parent"),
            (Some("memory"), Some("s"), "child"),
            (Some("nowhere"), None, "parent"),
            (Some(""), None, "parent"),
            (None, Some(""), "parent"),
        ] {
            let status = primary_key(&mut client, name).await.unwrap_err();
            assert_eq!(status.code(), Code::NotFound, "{name:?}: {status:?}");
            let detail = ErrorDetail::from_status(&status).expect("DuckDB's class");
            assert_eq!(detail.class, "Catalog");
            assert!(
                detail.message.contains(name.2) && detail.message.contains("does not exist"),
                "{detail:?}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unqualified_table_is_the_one_of_the_current_schema() {
    let setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE t (a INTEGER PRIMARY KEY)",
        "CREATE TABLE s.t (b INTEGER PRIMARY KEY)",
        "USE s",
    ];
    with_session(&setup, |mut client| async move {
        let key = primary_key(&mut client, (None, None, "t")).await.unwrap();
        assert_eq!(rows(&key, 4), ["memory | s | t | b"]);
        run(&mut client, &["CREATE TEMP TABLE t (c INTEGER PRIMARY KEY)"]).await;
        let key = primary_key(&mut client, (None, None, "t")).await.unwrap();
        assert_eq!(rows(&key, 4), ["temp | main | t | c"]);
    })
    .await;
}

fn foreign_key_schema() -> Schema {
    Schema::new(vec![
        field("pk_catalog_name", DataType::Utf8, true),
        field("pk_db_schema_name", DataType::Utf8, true),
        field("pk_table_name", DataType::Utf8, false),
        field("pk_column_name", DataType::Utf8, false),
        field("fk_catalog_name", DataType::Utf8, true),
        field("fk_db_schema_name", DataType::Utf8, true),
        field("fk_table_name", DataType::Utf8, false),
        field("fk_column_name", DataType::Utf8, false),
        field("key_sequence", DataType::Int32, false),
        field("fk_key_name", DataType::Utf8, true),
        field("pk_key_name", DataType::Utf8, true),
        field("update_rule", DataType::UInt8, false),
        field("delete_rule", DataType::UInt8, false),
    ])
}

/// A row of a foreign key of `memory.main`, by what differs.
fn reference(primary: &str, foreign: &str, sequence: u32, foreign_key: &str, primary_key: &str) -> String {
    format!(
        "memory | main | {primary} | memory | main | {foreign} | {sequence} | {foreign_key} | {primary_key} | 3 | 3"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_from_both_ends() {
    with_client(&KEYS, |mut client| async move {
        let (composite, part) = ("child_y_x_code_id_fkey", "child_z_part_fkey");
        let code = reference("parent | code", "child | y", 1, composite, "parent_code_id_pkey");
        let id = reference("parent | id", "child | x", 2, composite, "parent_code_id_pkey");
        let z = reference("parent | Part", "child | z", 1, part, "parent_part_key");
        let other = reference("parent | Part", "other | p", 1, "other_p_part_fkey", "parent_part_key");
        let tree = reference(
            "tree | node",
            "tree | above",
            1,
            "tree_above_node_fkey",
            "tree_node_pkey",
        );

        let exported = |table: &str| CommandGetExportedKeys {
            table: table.to_string(),
            ..CommandGetExportedKeys::default()
        };
        let imported = |table: &str| CommandGetImportedKeys {
            table: table.to_string(),
            ..CommandGetImportedKeys::default()
        };
        let cross = |primary: &str, foreign: &str| CommandGetCrossReference {
            pk_table: primary.to_string(),
            fk_table: foreign.to_string(),
            ..CommandGetCrossReference::default()
        };
        let parent = try_fetch(&mut client, exported("parent")).await.unwrap();
        assert_eq!(*parent.schema(), foreign_key_schema());
        assert_eq!(rows(&parent, 13), [&code, &id, &z, &other].map(String::clone));
        let child = try_fetch(&mut client, imported("child")).await.unwrap();
        assert_eq!(*child.schema(), foreign_key_schema());
        assert_eq!(rows(&child, 13), [&code, &id, &z].map(String::clone));
        let between = try_fetch(&mut client, cross("parent", "other")).await.unwrap();
        assert_eq!(*between.schema(), foreign_key_schema());
        assert_eq!(rows(&between, 13), [other]);

        for command in [exported("tree"), exported("TREE")] {
            assert_eq!(
                rows(&try_fetch(&mut client, command).await.unwrap(), 13),
                std::slice::from_ref(&tree)
            );
        }
        assert_eq!(
            rows(&try_fetch(&mut client, imported("tree")).await.unwrap(), 13),
            std::slice::from_ref(&tree)
        );
        assert_eq!(
            rows(&try_fetch(&mut client, cross("tree", "tree")).await.unwrap(), 13),
            [tree]
        );
        assert_eq!(try_fetch(&mut client, exported("plain")).await.unwrap().num_rows(), 0);
        assert_eq!(try_fetch(&mut client, imported("parent")).await.unwrap().num_rows(), 0);
        assert_eq!(
            try_fetch(&mut client, cross("plain", "child"))
                .await
                .unwrap()
                .num_rows(),
            0
        );

        for outcome in [
            try_fetch(&mut client, exported("missing")).await,
            try_fetch(&mut client, imported("missing")).await,
            try_fetch(&mut client, cross("parent", "missing")).await,
            try_fetch(&mut client, cross("missing", "child")).await,
        ] {
            assert_eq!(outcome.unwrap_err().code(), Code::NotFound);
        }
    })
    .await;
}

async fn sql_info(client: &mut Client, wanted: &[SqlInfo]) -> BTreeMap<u32, (i8, ArrayRef)> {
    let info = client.get_sql_info(wanted.to_vec()).await.unwrap();
    let batch = fetch(client, info).await;
    let values: &UnionArray = batch.column(1).as_union();
    let names = batch.column(0).as_primitive::<UInt32Type>().values().iter();
    names
        .enumerate()
        .map(|(row, name)| (*name, (values.type_id(row), values.value(row))))
        .collect()
}

/// The kinds of value, by their place in the union that the specification gives.
const STRING: i8 = 0;
const BOOL: i8 = 1;
const BIGINT: i8 = 2;
const BITMASK: i8 = 3;
const STRING_LIST: i8 = 4;
const LIST_MAP: i8 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn sql_info_tells_the_truth() {
    with_client(&[], |mut client| async move {
        let infos = sql_info(&mut client, &[]).await;
        for (info, kind, expected) in [
            (SqlInfo::FlightSqlServerName, STRING, "Duckling"),
            (SqlInfo::FlightSqlServerVersion, STRING, env!("CARGO_PKG_VERSION")),
            (SqlInfo::FlightSqlServerArrowVersion, STRING, arrow::ARROW_VERSION),
            (SqlInfo::FlightSqlServerReadOnly, BOOL, "false"),
            (SqlInfo::FlightSqlServerSql, BOOL, "true"),
            (SqlInfo::FlightSqlServerSubstrait, BOOL, "false"),
            (SqlInfo::FlightSqlServerTransaction, BITMASK, "1"),
            (SqlInfo::FlightSqlServerCancel, BOOL, "true"),
            (SqlInfo::FlightSqlServerBulkIngestion, BOOL, "true"),
            (SqlInfo::SqlDdlTable, BOOL, "true"),
            (SqlInfo::SqlIdentifierQuoteChar, STRING, "\""),
            (SqlInfo::SqlIdentifierCase, BITMASK, "1"),
            (SqlInfo::SqlNullOrdering, BITMASK, "3"),
            (SqlInfo::SqlSearchStringEscape, STRING, "\\"),
            (SqlInfo::SqlSupportedUnions, BITMASK, "3"),
            (SqlInfo::SqlSupportedSubqueries, BITMASK, "15"),
            (SqlInfo::SqlOuterJoinsSupportLevel, BITMASK, "2"),
            (SqlInfo::SqlMaxTableNameLength, BIGINT, "0"),
            (SqlInfo::SqlTransactionsSupported, BOOL, "true"),
            (SqlInfo::SqlDefaultTransactionIsolation, BITMASK, "3"),
            (SqlInfo::SqlSupportedTransactionsIsolationLevels, BITMASK, "8"),
            (SqlInfo::SqlSavepointsSupported, BOOL, "false"),
        ] {
            let (found, value) = &infos[&(info as u32)];
            let value = array_value_to_string(value, 0).unwrap();
            assert_eq!((*found, value.as_str()), (kind, expected), "{info:?}");
        }
        for (info, member) in [
            (SqlInfo::SqlKeywords, "select"),
            (SqlInfo::SqlNumericFunctions, "sqrt"),
            (SqlInfo::SqlStringFunctions, "substring"),
            (SqlInfo::SqlDatetimeFunctions, "date_trunc"),
            (SqlInfo::SqlSystemFunctions, "current_database"),
        ] {
            let (kind, value) = &infos[&(info as u32)];
            assert_eq!(*kind, STRING_LIST, "{info:?}");
            let list = value.as_list::<i32>().value(0);
            let list: &StringArray = list.as_string();
            assert!(list.iter().flatten().any(|name| name == member), "{info:?}: {list:?}");
        }
        assert_eq!(infos[&(SqlInfo::SqlSupportsConvert as u32)].0, LIST_MAP);
        assert!(
            !infos.contains_key(&(SqlInfo::FlightSqlServerSubstraitMinVersion as u32)),
            "no Substrait"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_info_is_filtered_and_depends_on_the_session() {
    with_session(&["SET default_null_order = 'nulls_first'"], |mut client| async move {
        let wanted = [SqlInfo::FlightSqlServerName, SqlInfo::SqlNullOrdering];
        let infos = sql_info(&mut client, &wanted).await;
        assert_eq!(infos.len(), 2);
        let (_, order) = &infos[&(SqlInfo::SqlNullOrdering as u32)];
        assert_eq!(array_value_to_string(order, 0).unwrap(), "2", "NULLs at the start");

        let unknown = CommandGetSqlInfo { info: vec![9_999, 0] };
        let batch = try_fetch(&mut client, unknown).await.unwrap();
        assert_eq!(batch.num_rows(), 1, "what is not known is not told");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn casts_that_sql_info_promises_work() {
    let samples = BTreeMap::from([
        (0, ("BIGINT", "1")),
        (1, ("BLOB", "a")),
        (2, ("BOOLEAN", "true")),
        (3, ("VARCHAR", "1")),
        (4, ("DATE", "2020-01-01")),
        (5, ("DECIMAL(9,2)", "1")),
        (6, ("FLOAT", "1")),
        (7, ("INTEGER", "1")),
        (8, ("INTERVAL", "1 day")),
        (9, ("INTERVAL", "1 year")),
        (10, ("BLOB", "a")),
        (11, ("VARCHAR", "1")),
        (12, ("NUMERIC(9,2)", "1")),
        (13, ("REAL", "1")),
        (14, ("SMALLINT", "1")),
        (15, ("TIME", "12:00:00")),
        (16, ("TIMESTAMP", "2020-01-01")),
        (17, ("TINYINT", "1")),
        (18, ("BLOB", "a")),
        (19, ("VARCHAR", "1")),
    ]);
    with_client(&[], |mut client| async move {
        let infos = sql_info(&mut client, &[SqlInfo::SqlSupportsConvert]).await;
        let (_, map) = &infos[&(SqlInfo::SqlSupportsConvert as u32)];
        let map = map.as_map().value(0);
        let (sources, targets) = (
            map.column(0).as_primitive::<Int32Type>(),
            map.column(1).as_list::<i32>(),
        );
        assert_eq!(sources.len(), samples.len());
        for (row, source) in sources.values().iter().enumerate() {
            let (from, value) = samples[source];
            let promised = targets.value(row);
            let promised = promised.as_primitive::<Int32Type>().values().to_vec();
            for (code, (to, example)) in &samples {
                // A text may hold anything, so it is given a value of the target
                let value = if from == "VARCHAR" { example } else { &value };
                let sql = format!("SELECT x::{to} FROM (SELECT '{value}'::{from} AS x FROM range(1))");
                let works = match client.execute(sql.clone(), None).await {
                    Ok(info) => {
                        let ticket = info.endpoint[0].ticket.clone().expect("an endpoint has a ticket");
                        match client.do_get(ticket).await {
                            Ok(stream) => stream.try_collect::<Vec<_>>().await.is_ok(),
                            Err(_) => false,
                        }
                    }
                    Err(_) => false,
                };
                assert_eq!(promised.contains(code), works, "{sql}");
            }
        }
    })
    .await;
}

async fn type_info(client: &mut Client, data_type: Option<XdbcDataType>) -> RecordBatch {
    let command = CommandGetXdbcTypeInfo {
        data_type: data_type.map(|code| code as i32),
    };
    let info = client.get_xdbc_type_info(command).await.unwrap();
    fetch(client, info).await
}

#[tokio::test(flavor = "multi_thread")]
async fn xdbc_types_are_filtered_and_sorted() {
    with_client(&[], |mut client| async move {
        let all = type_info(&mut client, None).await;
        let strings = |nullable| DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, nullable)));
        assert_eq!(
            *all.schema(),
            Schema::new(vec![
                field("type_name", DataType::Utf8, false),
                field("data_type", DataType::Int32, false),
                field("column_size", DataType::Int32, true),
                field("literal_prefix", DataType::Utf8, true),
                field("literal_suffix", DataType::Utf8, true),
                field("create_params", strings(false), true),
                field("nullable", DataType::Int32, false),
                field("case_sensitive", DataType::Boolean, false),
                field("searchable", DataType::Int32, false),
                field("unsigned_attribute", DataType::Boolean, true),
                field("fixed_prec_scale", DataType::Boolean, false),
                field("auto_increment", DataType::Boolean, true),
                field("local_type_name", DataType::Utf8, true),
                field("minimum_scale", DataType::Int32, true),
                field("maximum_scale", DataType::Int32, true),
                field("sql_data_type", DataType::Int32, false),
                field("datetime_subcode", DataType::Int32, true),
                field("num_prec_radix", DataType::Int32, true),
                field("interval_precision", DataType::Int32, true),
            ])
        );
        let codes = all.column(1).as_primitive::<Int32Type>().values().to_vec();
        assert!(codes.is_sorted());
        assert!(all.num_rows() > 35);

        let integers = type_info(&mut client, Some(XdbcDataType::XdbcInteger)).await;
        assert_eq!(rows(&integers, 3), ["INTEGER | 4 | 10", "UINTEGER | 4 | 10"]);
        let decimal = type_info(&mut client, Some(XdbcDataType::XdbcDecimal)).await;
        assert_eq!(rows(&decimal, 6), ["DECIMAL | 3 | 38 |  |  | [precision, scale]"]);
        let dates = type_info(&mut client, Some(XdbcDataType::XdbcDate)).await;
        assert_eq!(rows(&dates, 5), ["DATE | 91 | 10 | DATE ' | '"]);
        assert_eq!(array_value_to_string(dates.column(15), 0).unwrap(), "9", "DATETIME");
        assert_eq!(array_value_to_string(dates.column(16), 0).unwrap(), "1");
        assert_eq!(
            type_info(&mut client, Some(XdbcDataType::XdbcWchar)).await.num_rows(),
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xdbc_literals_are_duckdb_literals() {
    with_client(&[], |mut client| async move {
        let all = type_info(&mut client, None).await;
        for row in rows(&all, 5) {
            let row: Vec<_> = row.split(" | ").collect();
            let [name, _, _, prefix, suffix] = row[..] else {
                panic!("{row:?}")
            };
            let value = match name {
                _ if prefix.is_empty() => continue,
                "JSON" => "{}",
                "UUID" => "00000000-0000-0000-0000-000000000001",
                "BIT" => "101",
                "INTERVAL" => "1 day",
                "GEOMETRY" => "POINT (1 1)",
                _ if name.starts_with("TIMESTAMP") || name == "DATE" => "2020-01-01",
                _ if name.starts_with("TIME") => "12:00:00",
                _ => "1",
            };
            let sql = format!("SELECT typeof({prefix}{value}{suffix})");
            let info = client.execute(sql.clone(), None).await.expect(&sql);
            assert_eq!(rows(&fetch(&mut client, info).await, 1), [name], "{sql}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_schema_matches_what_is_sent() {
    with_client(&["CREATE TABLE t (i INTEGER PRIMARY KEY)"], |mut client| async move {
        async fn check(client: &mut Client, command: impl ProstMessageExt + Clone) {
            let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
            let answer = client.inner_mut().get_schema(descriptor).await.expect("a schema");
            let schema = Schema::try_from(answer.into_inner()).expect("an IPC schema");
            let sent = try_fetch(client, command.clone()).await.expect("rows");
            assert_eq!(*sent.schema(), schema, "{}", command.as_any().type_url);
        }
        let table = "t".to_string();
        check(&mut client, CommandGetCatalogs {}).await;
        check(&mut client, CommandGetDbSchemas::default()).await;
        check(&mut client, CommandGetTables::default()).await;
        check(
            &mut client,
            CommandGetTables {
                include_schema: true,
                ..CommandGetTables::default()
            },
        )
        .await;
        check(&mut client, CommandGetTableTypes {}).await;
        check(&mut client, CommandGetSqlInfo::default()).await;
        check(&mut client, CommandGetXdbcTypeInfo::default()).await;
        check(
            &mut client,
            CommandGetPrimaryKeys {
                table: table.clone(),
                ..CommandGetPrimaryKeys::default()
            },
        )
        .await;
        check(
            &mut client,
            CommandGetExportedKeys {
                table: table.clone(),
                ..CommandGetExportedKeys::default()
            },
        )
        .await;
        check(
            &mut client,
            CommandGetImportedKeys {
                table: table.clone(),
                ..CommandGetImportedKeys::default()
            },
        )
        .await;
        check(
            &mut client,
            CommandGetCrossReference {
                pk_table: table.clone(),
                fk_table: table,
                ..CommandGetCrossReference::default()
            },
        )
        .await;
    })
    .await;
}
