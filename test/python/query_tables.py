"""The tables that random queries read: the same rows are here, on a server, and wherever a query wants to find them."""

import random
from dataclasses import dataclass

from random_expressions import KINDS, LITERALS
from random_tables import random_type

#: Rows of the tables: some are empty, some have several row groups with columns that let whole groups be skipped.
SIZES = (0, 3, 8, 12, 30, 30, 60, 300, 2000, 50_000)
WILD_TABLES = 2
#: These cannot be keys, or the answer would depend on which of two equal values is kept. Joins of rows with a TUPLE beside an
#: ARRAY make DuckDB 2.0.0 read memory that is not theirs, without any server.
NOT_COMPARED = ("TUPLE", "FLOAT", "DOUBLE", "TIMETZ", "VARIANT", "JSON", "UNION", "INTERVAL", "MAP", "GEOMETRY")


@dataclass
class Table:
    """A table, view or macro: how it is made, what columns it has."""

    name: str
    #: SQL that makes it, with `«name»` for it and for what it reads.
    definition: list[str]
    columns: list[tuple[str, str]]
    rows: int
    #: Views and macros are where the tables are that they read.
    reads: str | None = None
    #: Written after its name in a query.
    call: str = ""

    @property
    def has_wild(self) -> bool:
        return any(kind not in KINDS for _, kind in self.columns)


def value_of(rng: random.Random, kind: str, salt: int) -> str:
    """An expression over `r`, the number of a row, of this kind."""
    row = f"hash(r + {salt})"
    if kind == "I" and rng.random() < 0.7:
        # In the order of rows, so that row groups can be told apart, or anyhow
        return rng.choice(("(r // 7)::INTEGER % 10000", f"({row} % 1000)::INTEGER - 500", f"if({row} % 5 = 0, NULL, ({row} % 100)::INTEGER)"))
    if kind == "D" and rng.random() < 0.5:
        return "DATE '2020-01-01' + (r // 50)::INTEGER"
    if kind == "T" and rng.random() < 0.5:
        return f"TIMESTAMP '2020-01-01' + to_seconds((r * 61) + {row} % 50)"
    if kind == "N" and rng.random() < 0.5:
        return f"(({row} % 20001)::BIGINT - 10000)::DECIMAL(12,2)::DECIMAL(9,2)"
    texts = [f"'{text}'" for text in LITERALS[kind]] + ["NULL"] * rng.choice((0, 1, 3))
    return f"([{', '.join(texts)}]::VARCHAR[])[1 + ({row} % {len(texts)})::BIGINT]::{KINDS[kind]}"


def plain_table(rng: random.Random, number: int) -> Table:
    """A table with an `id`, a `k` of few values, and columns named after their kinds."""
    name, rows = f"t{number}", SIZES[number]
    kinds = rng.sample([kind for kind in KINDS if kind not in ("I",)], rng.randint(4, 8))
    columns = [("id", "I"), ("k", "I"), ("i", "I"), *((kind.lower(), kind) for kind in kinds if kind not in ("S", "ST")), ("s", "S"), ("st", "ST")]
    values = {"id": "r::INTEGER", "k": f"if(hash(r + {number}) % 6 = 0, NULL, (hash(r) % 9)::INTEGER)"}
    for salt, (column, kind) in enumerate(columns[2:]):
        values[column] = value_of(rng, kind, number * 100 + salt)
    constraints = rng.choice(("", " PRIMARY KEY", " UNIQUE NOT NULL", " NOT NULL CHECK (id >= 0)"))
    declared = ", ".join(f"{column} {KINDS[kind]}{constraints if column == 'id' else ''}" for column, kind in columns)
    rows_sql = ", ".join(f"{value} AS {column}" for column, value in values.items())
    definition = [f"CREATE OR REPLACE TABLE «{name}» ({declared})", f"INSERT INTO «{name}» SELECT {rows_sql} FROM range({rows}) t(r)"]
    if rng.random() < 0.4:
        definition.append(f"CREATE INDEX «{name}:index» ON «{name}» ({rng.choice(('i', 's', 'k'))})")
    return Table(name, definition, columns, rows)


def wild_table(rng: random.Random, number: int) -> Table:
    """A table of any types, with the values at their limits."""
    name, kinds = f"w{number}", []
    while len(kinds) < 3:
        kind = random_type(rng)
        if kind.plain and not any(word in kind.sql for word in NOT_COMPARED):
            kinds.append(kind)
    columns = [("id", "I"), *((f"c{i}", kind.sql) for i, kind in enumerate(kinds))]
    declared = ", ".join(f"{column} {KINDS.get(kind, kind)}" for column, kind in columns)
    definition = [f"CREATE OR REPLACE TABLE «{name}» ({declared})"]
    rows = rng.randint(2, 8)
    for row in range(rows):
        values = ", ".join(kind.any_value(rng) for kind in kinds).replace("20000", "20").replace("5000", "50")
        definition.append(f"INSERT INTO «{name}» VALUES ({row}, {values})")
    return Table(name, definition, columns, rows)


def random_tables(rng: random.Random) -> dict[str, Table]:
    """Tables, then views and macros that read them."""
    tables = {table.name: table for table in (plain_table(rng, number) for number in range(len(SIZES)))}
    tables |= {table.name: table for table in (wild_table(rng, number) for number in range(WILD_TABLES))}
    for number in range(2):
        base = tables[f"t{rng.randint(2, 6)}"]
        query = f"SELECT * FROM «{base.name}» WHERE k > 2 OR s LIKE '%b%'"
        definition = f"CREATE OR REPLACE VIEW «v{number}» AS {query}"
        tables[f"v{number}"] = Table(f"v{number}", [definition], base.columns, base.rows, base.name)
    base = tables[f"t{rng.randint(3, 7)}"]
    query = f"SELECT id, k, upper(s) AS s FROM «{base.name}» WHERE id % 3 = least_id % 3"
    definition = f"CREATE OR REPLACE MACRO «m0»(least_id) AS TABLE {query}"
    tables["m0"] = Table("m0", [definition], [("id", "I"), ("k", "I"), ("s", "S")], base.rows, base.name, f"({rng.randint(0, 5)})")
    definition = "CREATE OR REPLACE MACRO «s0»(a, b) AS (2 * a + b) % 100"
    tables["s0"] = Table("s0", [definition], [], 0, call="(a, b)")
    return tables
