"""The connection breaks while the server lives: nothing is done twice, and nothing is reported that did not happen."""

import duckdb
import pytest
from breaking_proxy import Proxy


def rows(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("SELECT count(*) FROM dh.t").fetchall()[0][0]


def test_a_commit_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.Error, match="Whether the transaction was committed is unknown"):
        client.execute("COMMIT")
    outcome = rows(client)
    assert outcome in (0, 1)
    assert rows(witness) == outcome
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(witness) == outcome + 1, "what comes after is not inside the transaction"


def test_a_write_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="Whether the statement took effect is unknown"):
        client.execute("INSERT INTO dh.t VALUES (1)")
    assert rows(witness) in (0, 1), "it was not sent again"
    client.execute("DELETE FROM dh.t")
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(witness) == 1


def test_a_load_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    client.execute("CREATE TABLE here AS SELECT 1 AS i")
    client.execute("INSERT INTO dh.t SELECT i FROM here")
    client.execute("CREATE VIEW slow AS SELECT i FROM here")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="(?i)lost the connection"):
        client.execute("INSERT INTO dh.t SELECT i FROM slow")
    assert rows(witness) in (1, 2)
    assert client.execute("INSERT INTO dh.t SELECT i FROM here").fetchall() == [(1,)]


def test_a_query_whose_answer_was_lost(client: duckdb.DuckDBPyConnection, proxy: Proxy) -> None:
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="(?i)lost the connection") as failure:
        client.execute("FROM dh.t")
    assert "unknown" not in str(failure.value)
    assert client.execute("FROM dh.t").fetchall() == []


def test_a_statement_of_a_transaction_whose_answer_was_lost(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    with pytest.raises(duckdb.IOException, match="The transaction on .* is lost"):
        client.execute("INSERT INTO dh.t VALUES (2)")
    with pytest.raises(duckdb.TransactionException, match="(?i)please ROLLBACK"):
        client.execute("FROM dh.t")
    client.execute("ROLLBACK")
    assert rows(client) == rows(witness) == 0
    client.execute("INSERT INTO dh.t VALUES (3)")
    assert rows(witness) == 1


def test_a_connection_made_anew_keeps_session_and_transaction(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.break_connections()
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(client) == 2
    proxy.break_connections()
    client.execute("COMMIT")
    assert rows(witness) == 2


def test_a_server_that_stops_has_not_looked_at_a_request(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    """It says so, and what was not looked at is sent again, to the server that is there then."""
    proxy.turn_away_the_next_request()
    client.execute("INSERT INTO dh.t VALUES (1)")
    assert rows(witness) == 1
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (2)")
    proxy.turn_away_the_next_request()
    client.execute("COMMIT")
    assert rows(witness) == 2


def test_a_rollback_that_could_not_be_sent(
    client: duckdb.DuckDBPyConnection, witness: duckdb.DuckDBPyConnection, proxy: Proxy
) -> None:
    client.execute("BEGIN")
    client.execute("INSERT INTO dh.t VALUES (1)")
    proxy.lose_the_next_answer()
    client.execute("ROLLBACK")
    # In a session of its own: the old one may still be inside the transaction
    client.execute("INSERT INTO dh.t VALUES (2)")
    assert rows(client) == rows(witness) == 1
