"""The ways of random queries on a driver with workers, over files, over the driver's tables, over both, and over distributed tables."""

import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
from answers import Answer
from clusters import WORKERS, Cluster
from query_files import MADE, pieces, write_files
from query_tables import Table
from query_ways import BEGIN, HERE, NO_BROADCASTS, SERVER, TIME_ZONES, TWO_TASKS, answer, at
from random_queries import Statement

#: Where tables are: in files, half of them in the driver, or all, or in files of the server's own.
FILES, MIXED, NATIVE, DISTRIBUTED = "files", "mixed", "native", "distributed"
SOURCES = (FILES, MIXED, NATIVE, DISTRIBUTED)
#: How files of distributed tables are divided and ordered
LAYOUTS = (
    "", "SORTED BY (id)", "PARTITIONED BY (k)", "PARTITIONED BY (bucket(6, id))", "PARTITIONED BY (bucket(6, k))",
    "PARTITIONED BY (bucket(6, k))", "PARTITIONED BY (bucket(8, i)) SORTED BY (i)", "PARTITIONED BY (k, bucket(4, id))",
)
TASKS = re.compile(r'"Stage \d+": "(\d+) tasks?')


class ClusterBench:
    """A driver with workers in processes, and a DuckDB that knows of no server, which reads the same files."""

    #: Partial sums of DOUBLEs are added in any order
    rounded = True
    reads_in_parts = True

    def __init__(self, tables: dict[str, Table], seed: int) -> None:
        self.tables = tables
        self.counts: Counter[str] = Counter()
        self.folder = Path(tempfile.mkdtemp(prefix="duckherder-queries-"))
        self.alone = duckdb.connect()
        self.cluster = Cluster("--storage", str(self.folder / "storage"), "--table-care-interval", "0s")
        try:
            for number in range(WORKERS):
                self.cluster.start(f"w{number}")
            for connection in (self.alone, self.cluster.client):
                connection.execute(f"SET TimeZone = '{TIME_ZONES[seed % len(TIME_ZONES)]}'")
            self.make_tables(random.Random(seed), SOURCES[seed % len(SOURCES)])
        except BaseException:
            self.close()
            raise

    def make_tables(self, rng: random.Random, sources: str) -> None:
        self.alone.execute(f"ATTACH ':memory:' AS {MADE}")
        for table in self.tables.values():
            definition = table.definition
            if sources == DISTRIBUTED and table.reads is None and table.columns:
                self.distribute(table, rng)
                definition = []
            elif table.reads is None and table.columns:
                query = write_files(self.alone, table, self.folder, rng)
                definition = [f"CREATE VIEW «{table.name}» AS {query}"]
            for sql in definition or table.definition:
                self.alone.execute(at(sql, lambda _: HERE))
            native = table.reads is None and (sources == NATIVE or (sources == MIXED and rng.random() < 0.5))
            for sql in table.definition if native else definition:
                self.cluster.client.execute(at(sql, lambda _: SERVER))
            if native and table.columns:
                self.drop_lost_columns(table)

    def distribute(self, table: Table, rng: random.Random) -> None:
        """Make a distributed table of several files, some of which were written anew."""
        client, native, made = self.cluster.client, f"{SERVER}.{table.name}", f"{SERVER}.{table.name}_made"
        for sql in table.definition:
            client.execute(at(sql, lambda _: SERVER))
        has_keys = {"k", "i"} <= {name for name, _ in table.columns}
        layout = rng.choice(LAYOUTS if has_keys else LAYOUTS[:2])
        client.execute(f"CREATE TABLE {made} {layout} WITH (distributed = true) AS FROM {native} WHERE id < 0")
        for first, end in pieces(rng, table.rows):
            client.execute(f"INSERT INTO {made} FROM {native} WHERE id >= {first} AND id < {end} ORDER BY id")
        if rng.random() < 0.5:
            client.execute(f"UPDATE {made} SET id = id WHERE id % 3 = 1")
        if rng.random() < 0.3:
            client.execute(f"FROM duckherder_compact('{made}')").fetchall()
        client.execute(f"DROP TABLE {native}")
        client.execute(f"ALTER TABLE {made} RENAME TO {table.name}")

    def drop_lost_columns(self, table: Table) -> None:
        kept = {name for name, _ in table.columns}
        self.cluster.client.execute(f"FROM {SERVER}.{table.name} LIMIT 0")
        for name, *_ in self.cluster.client.description:
            if name not in kept:
                self.cluster.client.execute(f"ALTER TABLE {SERVER}.{table.name} DROP COLUMN {name}")

    def close(self) -> None:
        self.cluster.end()
        self.alone.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def here(self, statement: Statement, *before: str) -> Answer:
        """The answer of a DuckDB that knows of no server."""
        return answer(self.alone, at(statement.sql, lambda _: HERE), statement.parameters, *before)

    def there(self, sql: str, statement: Statement, *before: str) -> Answer:
        result = answer(self.cluster.client, sql, statement.parameters, *before)
        if not result.error and not before:
            self.counts[self.kind_of(sql, statement)] += 1
        return result

    def kind_of(self, sql: str, statement: Statement) -> str:
        """Whether a query is distributed, by its plan."""
        if statement.parameters:
            # EXPLAIN of one with parameters has DuckDB's pushdown read expressions that it has freed
            return "with parameters"
        try:
            plan = self.cluster.client.execute(f"EXPLAIN (FORMAT json) {sql}", statement.parameters).fetchall()
        except duckdb.Error:
            return "without a plan"
        tasks = [int(number) for number in TASKS.findall(plan[0][1])]
        return "with several tasks at once" if tasks and max(tasks) > 1 else "in one task" if tasks else "on the driver alone"

    def ways(self, statement: Statement, rng: random.Random) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Each way by name, with the SQL and what is run before it."""
        there = at(statement.sql, lambda _: SERVER)
        yield "distributed", there, ()
        more = rng.randrange(4)
        if more == 0:
            yield "distributed without broadcasts", there, (NO_BROADCASTS,)
        elif more == 1:
            yield "two tasks on each worker", there, (TWO_TASKS,)
        elif more == 2:
            yield "distributed in a transaction", there, (BEGIN,)
