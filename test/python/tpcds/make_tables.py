"""Writes the tables of TPC-DS as Parquet files and its 99 queries as SQL files into a folder, and the tables of TPC-H into `tpch` in it.

    make_tables.py FOLDER [SCALE]

Runs with `requirements.txt` beside it.
"""

import sys
from pathlib import Path
from types import ModuleType

import duckdb
import duckdb_extension_tpcds
import duckdb_extension_tpch

SCALE = 0.01


def generate(module: ModuleType, generator: str, folder: Path, scale: float) -> duckdb.DuckDBPyConnection:
    """Load the extension of a package, let it make its tables, and write them."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    (extension,) = Path(module.__file__).parent.rglob("*.duckdb_extension")
    connection.load_extension(str(extension))
    connection.execute(f"CALL {generator}(sf = {scale})")
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        connection.execute(f"COPY {table} TO '{folder / table}.parquet'")
    return connection


def main(folder: Path, scale: float) -> None:
    tpcds = generate(duckdb_extension_tpcds, "dsdgen", folder, scale)
    for number, query in tpcds.execute("FROM tpcds_queries()").fetchall():
        (folder / f"{number:02}.sql").write_text(query)
    generate(duckdb_extension_tpch, "dbgen", folder / "tpch", scale)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else SCALE)
