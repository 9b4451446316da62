"""The calls of Flight and Flight SQL one by one, as `pyarrow.flight` makes them."""

from collections.abc import Callable, Iterator

import pyarrow
import pyarrow.flight as flight
import pytest
from conftest import Duckling

ENDLESS_ROWS = "SELECT a.range AS i FROM range(10000000) a, range(10000000) b"


def field(number: int, content: bytes | str) -> bytes:
    """A field of a protobuf message, by number; texts, bytes and messages are written alike."""
    content = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number: int) -> bytes:
    low = bytes([number & 127 | (128 if number > 127 else 0)])
    return low + varint(number >> 7) if number > 127 else low


def packed(name: str, message: bytes = b"") -> bytes:
    """A message of Flight SQL, in the `Any` that carries it."""
    url = f"type.googleapis.com/arrow.flight.protocol.sql.{name}"
    return field(1, url) + (field(2, message) if message else b"")


def fields(message: bytes) -> dict[int, bytes]:
    """The fields of a message that has only texts, bytes and messages, each once."""
    found, at = {}, 0
    while at < len(message):
        number, at = message[at] >> 3, at + 1
        size, shift = 0, 0
        while True:
            byte, at = message[at], at + 1
            size, shift = size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        found[number], at = message[at : at + size], at + size
    return found


@pytest.fixture
def open_client(server: Duckling) -> Iterator[Callable[[], flight.FlightClient]]:
    """Connect to one server any number of times."""
    clients: list[flight.FlightClient] = []

    def connect() -> flight.FlightClient:
        clients.append(flight.connect(f"grpc://127.0.0.1:{server.port}"))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(open_client: Callable[[], flight.FlightClient]) -> flight.FlightClient:
    return open_client()


def statement(sql: str, transaction: bytes = b"") -> flight.FlightDescriptor:
    message = field(1, sql) + (field(2, transaction) if transaction else b"")
    return flight.FlightDescriptor.for_command(packed("CommandStatementQuery", message))


def query(client: flight.FlightClient, sql: str, options: flight.FlightCallOptions | None = None) -> list[dict]:
    info = client.get_flight_info(statement(sql), options)
    return client.do_get(info.endpoints[0].ticket, options).read_all().to_pylist()


def act(client: flight.FlightClient, name: str, body: bytes = b"") -> list[bytes]:
    return [result.body.to_pybytes() for result in client.do_action(flight.Action(name, body))]


def test_actions_are_listed(client: flight.FlightClient) -> None:
    listed = {action.type for action in client.list_actions()}
    assert listed >= {
        "BeginTransaction",
        "CancelFlightInfo",
        "CancelQuery",
        "CloseSession",
        "ClosePreparedStatement",
        "CreatePreparedStatement",
        "EndTransaction",
        "GetSessionOptions",
        "SetSessionOptions",
    }


def test_schema_without_running(client: flight.FlightClient) -> None:
    schema = client.get_schema(statement(ENDLESS_ROWS)).schema
    assert schema == pyarrow.schema({"i": pyarrow.int64()})
    created = statement("CREATE TABLE t (i INTEGER)")
    client.get_schema(created)
    with pytest.raises(KeyError, match="does not exist"):
        query(client, "FROM t")


def test_a_query_runs_when_its_ticket_is_used_and_as_often(client: flight.FlightClient) -> None:
    info = client.get_flight_info(statement("SELECT 42 AS i"))
    for _ in range(3):
        assert client.do_get(info.endpoints[0].ticket).read_all().to_pylist() == [{"i": 42}]


def test_a_change_is_made_once(client: flight.FlightClient) -> None:
    query(client, "CREATE TABLE t (i INTEGER)")
    info = client.get_flight_info(statement("INSERT INTO t VALUES (1)"))
    client.do_get(info.endpoints[0].ticket).read_all()
    with pytest.raises(KeyError):
        client.do_get(info.endpoints[0].ticket).read_all()
    assert query(client, "FROM t") == [{"i": 1}]


def test_a_handshake_begins_a_session(client: flight.FlightClient, open_client: Callable) -> None:
    header = client.authenticate_basic_token("somebody", "secret")
    assert header[0] == b"authorization"
    assert header[1].startswith(b"Bearer ")
    with_token = flight.FlightCallOptions(headers=[header])
    query(client, "CREATE TEMP TABLE mine AS SELECT 1 AS i", with_token)
    assert query(client, "FROM mine", with_token) == [{"i": 1}]
    # The token names the session on any connection; without it, a connection has its own.
    assert query(open_client(), "FROM mine", with_token) == [{"i": 1}]
    with pytest.raises(KeyError, match="does not exist"):
        query(open_client(), "FROM mine")


def test_an_unknown_token_is_refused(client: flight.FlightClient) -> None:
    unknown = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer unknown")])
    with pytest.raises(flight.FlightUnauthenticatedError, match="session is not open"):
        query(client, "SELECT 1", unknown)
    assert query(client, "SELECT 1 AS i") == [{"i": 1}]


@pytest.mark.parametrize("handle", [b"garbage", packed("TicketStatementQuery"), packed("TicketStatementQuery", b"\n\1x")])
def test_tickets_that_are_not_ours(client: flight.FlightClient, handle: bytes) -> None:
    with pytest.raises(pyarrow.ArrowInvalid):
        client.do_get(flight.Ticket(handle)).read_all()
    assert query(client, "SELECT 1 AS i") == [{"i": 1}]


@pytest.mark.parametrize("ticket", [b"", packed("NoSuchCommand")])
def test_unknown_commands(client: flight.FlightClient, ticket: bytes) -> None:
    with pytest.raises(pyarrow.ArrowNotImplementedError, match="is not supported"):
        client.do_get(flight.Ticket(ticket)).read_all()


def test_unknown_prepared_statements(client: flight.FlightClient) -> None:
    unknown = packed("CommandPreparedStatementQuery", field(1, "unknown"))
    with pytest.raises(KeyError, match="prepared statement"):
        client.get_flight_info(flight.FlightDescriptor.for_command(unknown))
    with pytest.raises(KeyError, match="prepared statement"):
        client.do_get(flight.Ticket(unknown)).read_all()


@pytest.mark.parametrize(
    ("action", "body", "text"),
    [
        ("BeginSavepoint", packed("ActionBeginSavepointRequest"), "savepoint"),
        ("EndSavepoint", packed("ActionEndSavepointRequest"), "savepoint"),
        ("CreatePreparedSubstraitPlan", packed("ActionCreatePreparedSubstraitPlanRequest"), "Substrait"),
    ],
)
def test_what_duckdb_cannot_do(client: flight.FlightClient, action: str, body: bytes, text: str) -> None:
    with pytest.raises(pyarrow.ArrowNotImplementedError, match=text):
        act(client, action, body)


def test_substrait_plans(client: flight.FlightClient) -> None:
    with pytest.raises(pyarrow.ArrowNotImplementedError, match="Substrait"):
        client.get_flight_info(flight.FlightDescriptor.for_command(packed("CommandStatementSubstraitPlan")))


def test_flights_are_not_listed(client: flight.FlightClient) -> None:
    with pytest.raises(pyarrow.ArrowNotImplementedError, match="CommandGetTables"):
        list(client.list_flights())


def test_unknown_actions(client: flight.FlightClient) -> None:
    with pytest.raises(pyarrow.ArrowInvalid, match="NoSuchAction"):
        act(client, "NoSuchAction")


def test_transactions_by_name(client: flight.FlightClient, open_client: Callable) -> None:
    other = open_client()
    query(client, "CREATE TABLE t (i INTEGER)")
    (begun,) = act(client, "BeginTransaction", packed("ActionBeginTransactionRequest"))
    transaction = fields(fields(begun)[2])[1]
    client.get_flight_info(statement("INSERT INTO t VALUES (1)", transaction))
    assert query(other, "FROM t") == []
    with pytest.raises(KeyError, match="transaction"):
        other.get_flight_info(statement("SELECT 1", transaction))
    with pytest.raises(KeyError, match="transaction"):
        act(other, "EndTransaction", packed("ActionEndTransactionRequest", field(1, transaction) + b"\x10\x01"))
    act(client, "EndTransaction", packed("ActionEndTransactionRequest", field(1, transaction) + b"\x10\x01"))
    assert query(other, "FROM t") == [{"i": 1}]
    with pytest.raises(KeyError, match="transaction"):
        act(client, "EndTransaction", packed("ActionEndTransactionRequest", field(1, transaction) + b"\x10\x01"))


def test_cancel_flight_info(client: flight.FlightClient, open_client: Callable) -> None:
    info = client.get_flight_info(statement(ENDLESS_ROWS))
    reader = client.do_get(info.endpoints[0].ticket)
    reader.read_chunk()
    # By whoever has the FlightInfo: the client's own thread may be busy reading.
    (answer,) = act(open_client(), "CancelFlightInfo", field(1, info.serialize()))
    assert answer == b"\x08\x01", "cancelled"
    with pytest.raises(flight.FlightCancelledError):
        while True:
            reader.read_chunk()
    assert query(client, "SELECT 1 AS i") == [{"i": 1}]
    with pytest.raises(KeyError, match="not running"):
        act(client, "CancelFlightInfo", field(1, info.serialize()))


def test_a_session_is_closed(client: flight.FlightClient) -> None:
    query(client, "CREATE TEMP TABLE mine AS SELECT 1 AS i")
    act(client, "CloseSession")
    with pytest.raises(KeyError, match="session is not open"):
        query(client, "FROM mine")
    with pytest.raises(KeyError, match="mine does not exist"):
        query(client, "FROM mine")
