"""Random queries on a driver and its workers have the answers of one DuckDB over the same files and tables.

`make fuzz-cluster QUERIES=5000` runs more of them. A difference names its seed: `make fuzz-cluster QUERIES=1 SEED=…` repeats it.
"""

import os

from query_clusters import ClusterBench
from query_run import Run

QUERIES = int(os.environ.get("DUCKHERDER_CLUSTER_QUERIES", "200"))
SEED = int(os.environ.get("DUCKHERDER_QUERY_SEED", "1"))
#: Queries that share their tables.
QUERIES_PER_TABLES = 100
#: Of the queries that have an answer; the others read too little, or cannot be cut into tasks.
LEAST_DISTRIBUTED = 0.4


def test_distributed_queries_have_one_answer() -> None:
    run = Run(ClusterBench, QUERIES_PER_TABLES)
    run.queries(range(SEED, SEED + QUERIES))
    distributed = run.counts["with several tasks at once"]
    explained = run.counts["answers"] - run.counts["with parameters"]
    assert QUERIES < 50 or distributed >= LEAST_DISTRIBUTED * explained, run.counts
