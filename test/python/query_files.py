"""The tables of random queries as Parquet files, behind views that have the types of the tables."""

import random
from pathlib import Path

import duckdb
from query_tables import Table
from query_ways import at
from random_expressions import KINDS

#: The database of the tables that the files are made of.
MADE = "made"
#: DuckDB closes a row group with a vector of rows, so that smaller ones are not to be had within a file.
ROW_GROUP_ROWS = (2048, 6000, 122_880)


def write_files(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path, rng: random.Random) -> str:
    """Write the table to several files, some empty and some of one row; the SELECT that reads them.

    Columns that Parquet damages are stored as texts; those whose texts say too little are left out, also of `table.columns`.
    """
    for sql in table.definition:
        connection.execute(at(sql, lambda _: MADE))
    stored = {name: how for name, _ in table.columns if (how := storage(connection, table, name, folder))}
    table.columns[:] = [(name, kind) for name, kind in table.columns if name in stored]
    columns = ", ".join(f"{stored[name][0]} AS {name}" for name, _ in table.columns)
    files = folder / table.name
    files.mkdir()
    size = rng.choice(ROW_GROUP_ROWS)
    for number, (first, end) in enumerate(pieces(rng, table.rows)):
        rows = f"SELECT {columns} FROM {MADE}.{table.name} WHERE id >= {first} AND id < {end} ORDER BY id"
        connection.execute(f"COPY ({rows}) TO '{files}/{number}.parquet' (ROW_GROUP_SIZE {size})")
    read = ", ".join(f"{stored[name][1]} AS {name}" for name, _ in table.columns)
    return f"SELECT {read} FROM read_parquet('{files}/*.parquet')"


def pieces(rng: random.Random, rows: int) -> list[tuple[int, int]]:
    """The first row of each file, and the one behind its last; some files are empty."""
    cuts = [rng.randint(0, rows) for _ in range(rng.choice((0, 1, 2, 4)))]
    if rng.random() < 0.5:
        alone = rng.randint(0, max(rows - 1, 0))
        cuts += [alone, min(alone + 1, rows)]
    if rng.random() < 0.5:
        cuts += [0, *cuts[:1], rows]
    ends = [0, *sorted(cuts), rows]
    result = list(zip(ends, ends[1:], strict=False))
    rng.shuffle(result)
    return result


def storage(connection: duckdb.DuckDBPyConnection, table: Table, column: str, folder: Path) -> tuple[str, str] | None:
    """How a column is written and read, if all of its values come back."""
    kind = dict(table.columns)[column]
    probe = folder / "probe.parquet"
    original = f"{MADE}.{table.name}"
    for written, read in ((column, column), (f"{column}::VARCHAR", f"{column}::{KINDS.get(kind, kind)}")):
        try:
            connection.execute(f"COPY (SELECT id AS row, {written} AS {column} FROM {original}) TO '{probe}' (FORMAT parquet)")
            back = f"SELECT row, {read} AS back FROM read_parquet('{probe}')"
            types = f"SELECT t.{column}, b.back FROM {original} t, ({back}) b LIMIT 0"
            (_, before, *_), (_, after, *_) = connection.execute(types).description
            lost = f"SELECT count(*) FROM {original} t LEFT JOIN ({back}) b ON t.id = b.row WHERE t.{column}::VARCHAR IS DISTINCT FROM b.back::VARCHAR"
            if str(before) == str(after) and connection.execute(lost).fetchone() == (0,):
                return written, read
        except duckdb.Error:
            # Not every type has a place in Parquet, or a way from text
            continue
    return None
