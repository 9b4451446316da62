"""Writes the tables of TPC-DS as Parquet files, and its 99 queries as SQL files, into a folder. Runs with `requirements.txt` beside it."""

import sys
from pathlib import Path

import duckdb
import duckdb_extension_tpcds

SCALE = 0.01


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    (extension,) = Path(duckdb_extension_tpcds.__file__).parent.rglob("tpcds.duckdb_extension")
    connection.load_extension(str(extension))
    connection.execute(f"CALL dsdgen(sf = {SCALE})")
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        connection.execute(f"COPY {table} TO '{folder / table}.parquet'")
    for number, query in connection.execute("FROM tpcds_queries()").fetchall():
        (folder / f"{number:02}.sql").write_text(query)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
