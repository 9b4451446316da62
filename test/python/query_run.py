"""Random queries, one seed after the other: run in each way, compared, and counted."""

import random
import time
from collections import Counter
from collections.abc import Callable

from query_tables import Table, random_tables
from query_ways import OPTIMIZER_OFF, Answer, Bench
from random_queries import Queries, Statement

#: After these a DuckDB answers nothing any more; a server says it with an IO error.
DEAD = ("InternalException", "FatalException", "IOException")
#: Errors of single rows: which of two comes first depends on who reads which rows.
OF_ROWS = {"ConversionException", "InvalidInputException", "OutOfRangeException"}


class Run:
    """Queries on one bench after the other, and what came of them."""

    def __init__(self, make_bench: Callable[[dict[str, Table], int], Bench], queries_per_tables: int) -> None:
        self.make_bench = make_bench
        self.queries_per_tables = queries_per_tables
        self.bench: Bench | None = None
        self.tables_seed = -1
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []
        #: Seeds of the queries that DuckDB alone answers in two ways.
        self.own: list[int] = []

    def queries(self, seeds: range) -> None:
        """Run the queries of these seeds, print what came of them, and fail if answers differ."""
        started = time.monotonic()
        try:
            for seed in seeds:
                self.query(seed)
        finally:
            self.close()
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        took_s = time.monotonic() - started
        print(f"{counts}, {len(self.differences)} differences in {took_s:.0f} s; DuckDB's own: seeds {self.own[:50]}")
        assert not self.differences, f"{len(self.differences)} differences:\n\n" + "\n\n".join(self.differences[:20])

    def prepare(self, seed: int) -> None:
        """Have the tables of this seed, on servers that live."""
        if self.bench is None or self.tables_seed != seed // self.queries_per_tables:
            self.close()
            self.tables_seed = seed // self.queries_per_tables
            self.bench = self.make_bench(random_tables(random.Random(self.tables_seed)), self.tables_seed)

    def close(self) -> None:
        if self.bench:
            self.counts.update(self.bench.counts)
            self.bench.close()
        self.bench = None

    def query(self, seed: int) -> None:
        self.prepare(seed)
        rng = random.Random(seed)
        statement = Queries(rng, self.bench.tables).statement()
        here = self.bench.here(statement)
        self.counts["queries"] += 1
        self.counts["errors" if here.error else "answers"] += 1
        self.counts["rows"] += len(here.rows or [])
        if here.error in DEAD:
            self.counts["DuckDB's own"] += 1
            self.own.append(seed)
            self.close()
            return
        if here.error:
            self.counts[here.error] += 1
        for way, sql, before in self.bench.ways(statement, rng):
            if not self.way(seed, statement, here, way, sql, before):
                self.close()
                return

    def way(self, seed: int, statement: Statement, here: Answer, way: str, sql: str, before: tuple[str, ...]) -> bool:
        """Run it in one way; false if a DuckDB did not survive it."""
        rounded = self.bench.rounded
        self.counts["runs"] += 1
        answer = self.bench.there(sql, statement, *before)
        if answer.same_as(here, statement.ordered, rounded):
            return True
        if self.bench.reads_in_parts and {answer.error, here.error} <= OF_ROWS:
            self.counts["another error first"] += 1
            return True
        if answer.error == "InterruptException" and OPTIMIZER_OFF in before:
            self.counts["too slow without the optimizer"] += 1
            return True
        # DuckDB may give the other answer without a server too, if its optimizer is off
        alone = self.bench.here(statement, OPTIMIZER_OFF)
        if alone.same_as(answer, statement.ordered, rounded) or (alone.error in DEAD and answer.error in DEAD):
            self.counts["DuckDB's own"] += 1
            self.own.append(seed)
        else:
            parameters = f"\n  parameters {statement.parameters}" if statement.parameters else ""
            self.differences.append(f"seed {seed}, {way}: {'; '.join((*before, sql))}{parameters}\n  here {here}\n  but {answer}")
        return answer.error not in DEAD and alone.error not in DEAD
