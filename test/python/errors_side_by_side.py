"""The errors of wrong statements on a server beside those of a local database of the same name: `make errors`.

Prints each statement, what a local DuckDB says of it, and what a server says if that is not the same.
"""

import json
import re
from collections.abc import Sequence

import duckdb
from conftest import Duckling, extension_path
from wrong_statements import LOCAL_SCHEMA, SCHEMA, WITH_PARAMETERS, WRONG_STATEMENTS

#: No name that a user of the client has written: it must not appear in any error
SERVER_DATABASE = "served"


class Sides:
    """A local database `dh`, and a server attached as `dh`, with the same in them."""

    def __init__(self, server_database: str = SERVER_DATABASE) -> None:
        database = f"{server_database}=:memory:"
        self.server = Duckling("--listen", "127.0.0.1:0", "--log-level", "off", "--database", database)
        self.local = duckdb.connect()
        self.local.execute("ATTACH ':memory:' AS dh")
        self.remote = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.remote.load_extension(str(extension_path()))
        self.remote.execute(f"ATTACH 'duckherder://localhost:{self.server.port}' AS dh")
        for connection in self.both:
            connection.execute(f"USE dh; {SCHEMA}; USE memory; {LOCAL_SCHEMA}")

    @property
    def both(self) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
        return self.local, self.remote

    def errors(self, statements: Sequence[str], parameters: object = None) -> tuple[str, str]:
        """What both say of the last statement, `""` if it succeeds."""
        return self.error(self.local, statements, parameters), self.error(self.remote, statements, parameters)

    @staticmethod
    def error(connection: duckdb.DuckDBPyConnection, statements: Sequence[str], parameters: object = None) -> str:
        for statement in statements[:-1]:
            failed = outcome(connection, statement.removeprefix("!"))
            assert bool(failed) == statement.startswith("!"), (statement, failed)
        return outcome(connection, statements[-1], parameters)

    def close(self) -> None:
        for connection in self.both:
            connection.close()
        self.server.stop()


def outcome(connection: duckdb.DuckDBPyConnection, statement: str, parameters: object = None) -> str:
    """The class and the whole text of the exception, `""` if there is none."""
    try:
        connection.execute(statement, parameters).fetchall()
    except duckdb.Error as error:
        # Names that DuckDB makes up anew for each statement
        text = re.sub(r"__pivot_enum_[0-9a-f-]+\.*", "__pivot_enum", str(error))
        return f"{type(error).__name__}: {text}"
    return ""


def bare(statement: str) -> str:
    """The statement for somebody who is in `dh`."""
    return re.sub(r"\bdh\.", "", statement, flags=re.IGNORECASE)


def parsed(error: str) -> object:
    """An error under `errors_as_json`."""
    return json.loads(error[error.index("{") :])


def main() -> None:
    cases = [(statements, None) for _, statements in WRONG_STATEMENTS]
    cases += [([statement], values) for _, statement, values in WITH_PARAMETERS]
    different = 0
    unchanged = Sides()
    for statements, values in cases:
        sides = unchanged if len(statements) == 1 else Sides()
        local, remote = sides.errors(statements, values)
        if sides is not unchanged:
            sides.close()
        different += local != remote
        print("\n".join([*statements, "" if values is None else f"-- with {values}"]).rstrip())
        print(f"  local:  {indented(local)}")
        print(f"  remote: {'the same' if local == remote else indented(remote)}\n")
    unchanged.close()
    print(f"{len(cases)} statements, {different} different")


def indented(error: str) -> str:
    return error.replace("\n", "\n    ") or "succeeds"


if __name__ == "__main__":
    main()
