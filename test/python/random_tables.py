"""Random tables of random DuckDB types, written as SQL, so that no value passes through Python."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_DEPTH = 3
NULL_SHARE = 0.2
#: Long enough to cross a chunk, and to end a batch in the middle of a list.
LARGE_ROWS = 3000


@dataclass
class Type:
    """A type as SQL, and a maker of its values as SQL expressions; never of a plain NULL."""

    sql: str
    value: Callable[[random.Random], str]
    #: Whether DuckDB finds values of it equal that differ, or cannot compare it: no keys of maps, no conditions.
    plain: bool = True

    def any_value(self, rng: random.Random) -> str:
        """A value or, at times, a NULL of this type."""
        return f"NULL::{self.sql}" if rng.random() < NULL_SHARE else self.value(rng)


@dataclass
class Table:
    """Columns by type, rows of SQL expressions. `repeat` is how many times each row is there."""

    types: list[Type]
    rows: list[list[str]] = field(default_factory=list)
    repeat: int = 1

    def query(self) -> str:
        """A SELECT that makes the table: a number `n` for each row, then the columns `c0`, `c1`, …"""
        columns = ", ".join(f"NULL::{kind.sql} AS c{i}" for i, kind in enumerate(self.types))
        rows = [f"SELECT -1::BIGINT AS n, {columns} WHERE false"]
        rows += [f"SELECT {n}, {', '.join(row)}" for n, row in enumerate(self.rows)]
        query = " UNION ALL ".join(rows)
        if self.repeat > 1:
            query = f"SELECT n + r * {len(self.rows)} AS n, * EXCLUDE (n, r) FROM ({query}), range({self.repeat}) t(r)"
        return query

    def columns(self) -> str:
        """The definition of its columns."""
        return ", ".join(["n BIGINT", *(f"c{i} {kind.sql}" for i, kind in enumerate(self.types))])


def literals(sql: str, *texts: str, plain: bool = True) -> Type:
    """A type with these values, given as text."""
    return Type(sql, lambda rng: f"'{rng.choice(texts)}'::{sql}", plain)


def integers(sql: str, bits: int, signed: bool) -> Type:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)

    def value(rng: random.Random) -> str:
        number = rng.choice((low, high, 0, 1, rng.randint(low, high), rng.randint(low, high)))
        return f"'{number}'::{sql}"

    return Type(sql, value)


def decimal(rng: random.Random) -> Type:
    width = rng.choice((1, 4, 5, 9, 10, 18, 19, 38))
    scale = rng.randint(0, width)
    sql = f"DECIMAL({width},{scale})"

    def value(rng: random.Random) -> str:
        limit = 10**width - 1
        number = rng.choice((0, limit, -limit, rng.randint(-limit, limit)))
        digits = str(abs(number)).rjust(scale + 1, "0")
        sign = "-" if number < 0 else ""
        return f"'{sign}{digits[: len(digits) - scale]}.{digits[len(digits) - scale :]}'::{sql}"

    return Type(sql, value)


def interval_value(rng: random.Random) -> str:
    def part(limit: int) -> int:
        return rng.choice((0, 1, -1, limit, -limit - 1, rng.randint(-limit, limit)))

    months, days, micros = part(2**31 - 1), part(2**31 - 1), part(2**63 - 1)
    return f"(to_months('{months}'::INT) + to_days('{days}'::INT) + to_microseconds('{micros}'::BIGINT))"


def text_value(rng: random.Random) -> str:
    kind = rng.randrange(8)
    if kind == 0:
        return "repeat('quack', 20000)"
    if kind == 1:
        return "('a' || chr(0) || 'b')"
    return "'" + rng.choice(("", "it''s", '"', "äö🦆日本", "NULL", "x", " twelve bytes", "more than twelve bytes")) + "'"


def enum(rng: random.Random) -> Type:
    labels = [f"l{i}" for i in range(rng.choice((1, 3, 300)))] + rng.sample(["", "it''s", '"', "ü, ö", "l)"], 2)
    quoted_labels = [f"'{label}'" for label in labels]
    return literals(f"ENUM({', '.join(quoted_labels)})", *labels)


SIMPLE: tuple[Type, ...] = (
    literals("BOOLEAN", "true", "false"),
    *(integers(name, bits, True) for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64))),
    *(
        integers(name, bits, False)
        for name, bits in (("UTINYINT", 8), ("USMALLINT", 16), ("UINTEGER", 32), ("UBIGINT", 64))
    ),
    integers("HUGEINT", 128, True),
    integers("UHUGEINT", 128, False),
    integers("BIGNUM", 300, True),
    literals("FLOAT", "0", "-0.0", "nan", "inf", "-inf", "3.4028235e38", "1e-45", "0.1", "16777217"),
    literals("DOUBLE", "0", "-0.0", "nan", "inf", "-inf", "1.7976931348623157e308", "5e-324", "0.1", "0.30000000000000004"),
    Type("VARCHAR", text_value),
    Type("BLOB", lambda rng: rng.choice((r"'\x00\xFF'::BLOB", "''::BLOB", "encode(repeat('q', 100))", "'abc'::BLOB"))),
    literals("BIT", "0", "1", "0101", "1" * 100),
    literals("UUID", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
             "80000000-0000-4000-8000-000000000001"),
    literals("DATE", "2024-02-29", "0001-01-01", "5877642-06-25 (BC)", "5881580-07-10", "infinity", "-infinity",
             "4714-01-01 (BC)", "12024-01-01"),
    literals("TIME", "00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.000001"),
    literals("TIME_NS", "00:00:00", "23:59:59.999999999", "24:00:00", "12:34:56.000000001"),
    literals("TIMETZ", "00:00:00+15:59:59", "24:00:00-15:59:59", "12:00:00+00", "14:00:00+02"),
    literals("TIMESTAMP", "2024-02-29 12:34:56.123456", "290309-12-22 (BC) 00:00:00", "294247-01-10 04:00:54.775806",
             "infinity", "-infinity", "1969-12-31 23:59:59.999999"),
    literals("TIMESTAMP_S", "2024-02-29 12:34:56", "1969-12-31 23:59:59", "infinity", "-infinity", "4714-01-01 (BC) 00:00:00"),
    literals("TIMESTAMP_MS", "2024-02-29 12:34:56.123", "1969-12-31 23:59:59.999", "infinity", "-infinity"),
    literals("TIMESTAMP_NS", "2024-02-29 12:34:56.123456789", "1677-09-22 00:00:00", "2262-04-11 23:47:16.854775806",
             "infinity", "-infinity"),
    literals("TIMESTAMPTZ", "2024-02-29 12:34:56.123456+00", "infinity", "-infinity", "1969-12-31 23:59:59.999999+00",
             "0044-03-15 (BC) 12:00:00+00"),
    literals("TIMESTAMPTZ_NS", "2024-02-29 12:34:56.123456789+00", "infinity", "-infinity"),
    Type("INTERVAL", interval_value, plain=False),
    literals("JSON", "{}", '{"a": [1, null, "ü"]}', "null", "1.50", plain=False),
    literals("GEOMETRY", "POINT (1 2)", "POINT EMPTY", "LINESTRING Z (0 0 1, 1 1 2)",
             "GEOMETRYCOLLECTION (POINT (0 -1), POLYGON ((0 0, 1 0, 1 1, 0 0)))", plain=False),
)

FIELD_NAMES = ("a", "b c", "select", 'q"q', "Ä", "0")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def some(rng: random.Random, least: int = 0) -> int:
    return rng.choice((least, 1, 2, 3))


def list_of(rng: random.Random, child: Type) -> Type:
    sql = f"{child.sql}[]"

    def value(rng: random.Random) -> str:
        if rng.random() < 0.03:
            return f"list_resize([{child.value(rng)}]::{sql}, 5000)"
        return f"[{', '.join(child.any_value(rng) for _ in range(some(rng)))}]::{sql}"

    return Type(sql, value, child.plain)


def array_of(rng: random.Random, child: Type) -> Type:
    size = rng.choice((1, 2, 5))
    sql = f"{child.sql}[{size}]"
    return Type(sql, lambda rng: f"[{', '.join(child.any_value(rng) for _ in range(size))}]::{sql}", child.plain)


def struct_of(rng: random.Random, child: Type) -> Type:
    fields = dict(zip(rng.sample(FIELD_NAMES, some(rng, 1)), [child, *(random_type(rng, 1) for _ in range(3))], strict=False))
    sql = f"STRUCT({', '.join(f'{quoted(name)} {kind.sql}' for name, kind in fields.items())})"

    def value(rng: random.Random) -> str:
        packed = ", ".join(f"{quoted(name)} := {kind.any_value(rng)}" for name, kind in fields.items())
        return f"struct_pack({packed})::{sql}"

    return Type(sql, value, all(kind.plain for kind in fields.values()))


def tuple_of(rng: random.Random, child: Type) -> Type:
    # DuckDB 2.0.0 crashes when it joins rows with a TUPLE that holds an ARRAY, without any server
    child = random_type(rng, 1) if re.search(r"\[\d+\]", child.sql) else child
    kinds = [child, random_type(rng, 1)]
    sql = f"TUPLE({', '.join(kind.sql for kind in kinds)})"
    return Type(sql, lambda rng: f"row({', '.join(kind.any_value(rng) for kind in kinds)})", all(k.plain for k in kinds))


def map_of(rng: random.Random, child: Type) -> Type:
    key = rng.choice([kind for kind in SIMPLE if kind.plain])
    sql = f"MAP({key.sql}, {child.sql})"

    def value(rng: random.Random) -> str:
        keys = sorted({key.value(rng) for _ in range(some(rng))})[:1] if rng.random() < 0.7 else []
        values = ", ".join(child.any_value(rng) for _ in keys)
        return f"MAP([{', '.join(keys)}]::{key.sql}[], [{values}]::{child.sql}[])"

    return Type(sql, value, plain=False)


def union_of(rng: random.Random, child: Type) -> Type:
    kinds = {"first": child, "second one": random_type(rng, 1), "third": random_type(rng, 1)}
    sql = f"UNION({', '.join(f'{quoted(name)} {kind.sql}' for name, kind in kinds.items())})"

    def value(rng: random.Random) -> str:
        name = rng.choice(list(kinds))
        return f"union_value({quoted(name)} := {kinds[name].any_value(rng)})::{sql}"

    return Type(sql, value, plain=False)


def variant_of(rng: random.Random, child: Type) -> Type:
    return Type("VARIANT", lambda rng: f"({child.value(rng)})::VARIANT", plain=False)


NESTED = (list_of, list_of, array_of, struct_of, struct_of, tuple_of, map_of, union_of, variant_of)


def random_type(rng: random.Random, depth: int = MAX_DEPTH) -> Type:
    """A type that is nested up to `depth` deep, counting itself."""
    if depth > 1 and rng.random() < 0.6:
        return rng.choice(NESTED)(rng, random_type(rng, depth - 1))
    kind = rng.randrange(len(SIMPLE) + 3)
    if kind >= len(SIMPLE):
        return decimal(rng) if kind == len(SIMPLE) else enum(rng)
    return SIMPLE[kind]


def random_table(rng: random.Random) -> Table:
    """A table of a few columns and rows; one in twenty has thousands of rows."""
    types = [random_type(rng) for _ in range(rng.randint(1, 4))]
    rows = [[kind.any_value(rng) for kind in types] for _ in range(rng.choice((0, 1, 2, 3, 5, 8)))]
    large = rows and rng.random() < 0.05 and sum(len(cell) for row in rows for cell in row) < 5000
    return Table(types, rows, LARGE_ROWS // len(rows) if large else 1)
