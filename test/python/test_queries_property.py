"""Random queries have one answer: here, on a server, with the optimizer off, and with tables here and there.

`make fuzz QUERIES=20000` runs more of them. A difference names its seed: `make fuzz QUERIES=1 SEED=…` repeats it.
"""

import os
import random
import time
from collections import Counter

from query_tables import random_tables
from query_ways import OPTIMIZER_OFF, Answer, Bench
from random_queries import Queries, Statement

QUERIES = int(os.environ.get("DUCKHERDER_QUERIES", "500"))
SEED = int(os.environ.get("DUCKHERDER_QUERY_SEED", "1"))
#: Queries that share their tables.
QUERIES_PER_TABLES = 1000
#: After these a DuckDB answers nothing any more; a server says it with an IO error.
DEAD = ("InternalException", "FatalException", "IOException")


class Run:
    """Queries on one bench after the other, and what came of them."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.tables_seed = -1
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []
        #: Seeds of the queries that DuckDB alone answers in two ways.
        self.own: list[int] = []

    def prepare(self, seed: int) -> None:
        """Have the tables of this seed, on servers that live."""
        if self.bench is None or self.tables_seed != seed // QUERIES_PER_TABLES:
            self.close()
            self.tables_seed = seed // QUERIES_PER_TABLES
            self.bench = Bench(random_tables(random.Random(self.tables_seed)), self.tables_seed)

    def close(self) -> None:
        if self.bench:
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
        self.counts["runs"] += 1
        answer = self.bench.there(sql, statement, *before)
        if answer.same_as(here, statement.ordered):
            return True
        if answer.error == "InterruptException" and OPTIMIZER_OFF in before:
            self.counts["too slow without the optimizer"] += 1
            return True
        # DuckDB may give the other answer without a server too, if its optimizer is off
        alone = self.bench.here(statement, OPTIMIZER_OFF)
        if alone.same_as(answer, statement.ordered) or (alone.error in DEAD and answer.error in DEAD):
            self.counts["DuckDB's own"] += 1
            self.own.append(seed)
        else:
            parameters = f"\n  parameters {statement.parameters}" if statement.parameters else ""
            self.differences.append(f"seed {seed}, {way}: {'; '.join((*before, sql))}{parameters}\n  here {here}\n  but {answer}")
        return answer.error not in DEAD and alone.error not in DEAD


def test_queries_have_one_answer() -> None:
    run = Run()
    started = time.monotonic()
    try:
        for seed in range(SEED, SEED + QUERIES):
            run.query(seed)
    finally:
        run.close()
    counts = ", ".join(f"{count} {what}" for what, count in sorted(run.counts.items()))
    print(f"{counts}, {len(run.differences)} differences in {time.monotonic() - started:.0f} s; DuckDB's own: seeds {run.own[:50]}")
    assert not run.differences, f"{len(run.differences)} differences:\n\n" + "\n\n".join(run.differences[:20])
