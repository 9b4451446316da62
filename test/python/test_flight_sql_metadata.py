"""A stand-alone server described to the ADBC Flight SQL driver: catalogs, tables, columns, types and facts."""

from collections.abc import Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import pyarrow
import pytest

SETUP = (
    "ATTACH ':memory:' AS sales",
    "CREATE SCHEMA sales.eu",
    """CREATE TABLE sales.eu.orders (
        id BIGINT PRIMARY KEY, amount DECIMAL(12, 3) NOT NULL, placed TIMESTAMPTZ, note VARCHAR,
        items STRUCT(n INTEGER)[])""",
    "COMMENT ON COLUMN sales.eu.orders.note IS 'free text'",
    "CREATE TABLE sales.eu.lines (order_id BIGINT REFERENCES sales.eu.orders (id))",
    "CREATE VIEW sales.order_ids AS SELECT id FROM sales.eu.orders",
    "CREATE TABLE t (i INTEGER)",
)


@pytest.fixture
def client(server) -> Iterator[flight_sql.Connection]:
    """A connection to a server with two databases."""
    with flight_sql.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True) as connection:
        with connection.cursor() as cursor:
            for statement in SETUP:
                cursor.execute(statement)
                # Without it the driver goes on to the next statement before this one has run.
                cursor.fetchall()
        yield connection


def objects(client: flight_sql.Connection, **filters: str) -> dict:
    """What `adbc_get_objects` finds, as nested dictionaries by name."""
    found = {}
    for catalog in client.adbc_get_objects(**filters).read_all().to_pylist():
        schemas = found.setdefault(catalog["catalog_name"], {})
        for schema in catalog["catalog_db_schemas"] or []:
            schemas[schema["db_schema_name"]] = {
                table["table_name"]: table for table in schema["db_schema_tables"] or []
            }
    return found


def test_catalogs_and_schemas(client: flight_sql.Connection) -> None:
    assert objects(client, depth="catalogs").keys() == {"memory", "sales"}
    found = objects(client, depth="db_schemas")
    assert {name: set(schemas) for name, schemas in found.items()} == {"memory": {"main"}, "sales": {"eu", "main"}}


def test_tables(client: flight_sql.Connection) -> None:
    found = objects(client, depth="tables")
    types = {
        (catalog, schema, name): table["table_type"]
        for catalog, schemas in found.items()
        for schema, tables in schemas.items()
        for name, table in tables.items()
    }
    assert types == {
        ("memory", "main", "t"): "BASE TABLE",
        ("sales", "eu", "lines"): "BASE TABLE",
        ("sales", "eu", "orders"): "BASE TABLE",
        ("sales", "main", "order_ids"): "VIEW",
    }


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"catalog_filter": "sales", "db_schema_filter": "e_"}, {"lines", "orders"}),
        ({"table_name_filter": "order%"}, {"orders", "order_ids"}),
        ({"table_name_filter": "order\\_%"}, {"order_ids"}),
        ({"table_types_filter": ["VIEW"]}, {"order_ids"}),
        ({"table_name_filter": "nothing"}, set()),
    ],
)
def test_filters(client: flight_sql.Connection, filters: dict, expected: set[str]) -> None:
    found = objects(client, depth="tables", **filters)
    assert {name for schemas in found.values() for tables in schemas.values() for name in tables} == expected


def test_columns(client: flight_sql.Connection) -> None:
    tables = objects(client, depth="all", catalog_filter="sales", db_schema_filter="eu", table_name_filter="orders")
    columns = tables["sales"]["eu"]["orders"]["table_columns"]
    assert [(column["ordinal_position"], column["column_name"]) for column in columns] == [
        (1, "id"),
        (2, "amount"),
        (3, "placed"),
        (4, "note"),
        (5, "items"),
    ]
    by_name = {column["column_name"]: column for column in columns}
    assert by_name["amount"]["xdbc_type_name"] == "DECIMAL(12,3)"
    assert by_name["placed"]["xdbc_type_name"] == "TIMESTAMP WITH TIME ZONE"
    assert by_name["items"]["xdbc_type_name"] == "STRUCT(n INTEGER)[]"
    scopes = ("xdbc_scope_catalog", "xdbc_scope_schema", "xdbc_scope_table")
    assert [by_name["note"][scope] for scope in scopes] == ["sales", "eu", "orders"]


def test_table_types(client: flight_sql.Connection) -> None:
    assert client.adbc_get_table_types() == ["BASE TABLE", "LOCAL TEMPORARY", "VIEW"]


def test_table_schema(client: flight_sql.Connection) -> None:
    schema = client.adbc_get_table_schema("orders", catalog_filter="sales", db_schema_filter="eu")
    expected = pyarrow.schema(
        [
            pyarrow.field("id", pyarrow.int64(), nullable=False),
            pyarrow.field("amount", pyarrow.decimal128(12, 3), nullable=False),
            pyarrow.field("placed", schema.field("placed").type),
            pyarrow.field("note", pyarrow.string()),
            pyarrow.field("items", pyarrow.list_(pyarrow.struct([("n", pyarrow.int32())]))),
        ]
    )
    assert schema.remove_metadata().equals(expected)
    assert pyarrow.types.is_timestamp(schema.field("placed").type) and schema.field("placed").type.tz
    note = schema.field("note").metadata
    assert note[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"VARCHAR"
    assert note[b"ARROW:FLIGHT:SQL:REMARKS"] == b"free text"
    assert schema.field("amount").metadata[b"ARROW:FLIGHT:SQL:SCALE"] == b"3"


def test_table_schema_is_that_of_its_rows(client: flight_sql.Connection) -> None:
    schema = client.adbc_get_table_schema("orders", catalog_filter="sales", db_schema_filter="eu")
    with client.cursor() as cursor:
        cursor.execute("FROM sales.eu.orders")
        rows = cursor.fetch_arrow_table()
    assert rows.schema.types == schema.types and rows.schema.names == schema.names


def test_table_schema_of_a_missing_table(client: flight_sql.Connection) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="NOT_FOUND"):
        client.adbc_get_table_schema("missing")


def test_info(client: flight_sql.Connection) -> None:
    info = client.adbc_get_info()
    assert info["vendor_name"] == "Duckling"
    assert info["vendor_version"][0].isdigit()
    assert int(info["vendor_arrow_version"].removeprefix("v").split(".")[0]) >= 59
