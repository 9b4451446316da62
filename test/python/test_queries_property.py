"""Random queries have one answer: here, on a server, with the optimizer off, and with tables here and there.

`make fuzz QUERIES=20000` runs more of them. A difference names its seed: `make fuzz QUERIES=1 SEED=…` repeats it.
"""

import os

from query_run import Run
from query_ways import Bench

QUERIES = int(os.environ.get("DUCKHERDER_QUERIES", "500"))
SEED = int(os.environ.get("DUCKHERDER_QUERY_SEED", "1"))
#: Queries that share their tables.
QUERIES_PER_TABLES = 1000


def test_queries_have_one_answer() -> None:
    Run(Bench, QUERIES_PER_TABLES).queries(range(SEED, SEED + QUERIES))
