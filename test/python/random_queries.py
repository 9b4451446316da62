"""Random queries: a seed makes a statement, and says how its answers compare."""

import random
import re
from dataclasses import dataclass, field

from query_tables import Table
from random_expressions import KEYS, KINDS, ORDERED_WINDOWS, Expressions, Scope

#: More rows than this are aggregated, or cut off in a total order.
MAX_ROWS = 400
#: More rows than this are never made by a join, or read again and again by a subquery.
MAX_WORK = 200_000
OUTPUT_KINDS = [kind for kind in KINDS if kind != "I"] + ["I"] * 6 + ["S"] * 3 + ["N", "D", "T", "B"]


@dataclass
class Query:
    """A query, the kinds of its columns, and what holds for its rows."""

    sql: str
    columns: list[tuple[str, str]]
    rows: int
    #: Columns that together tell all rows apart.
    ids: list[str] = field(default_factory=list)
    #: Whether its rows come in one order.
    ordered: bool = False


@dataclass
class Statement:
    """A query as a test runs it. `«name»` stands for a table, wherever it is."""

    sql: str
    parameters: list
    ordered: bool


class Queries:
    """Makes queries over tables."""

    def __init__(self, rng: random.Random, tables: dict[str, Table]) -> None:
        self.rng = rng
        self.tables = tables
        self.expressions = Expressions(rng, self.subquery)
        self.names = 0
        self.nesting = 0
        #: Common table expressions that a query may read.
        self.shared: list[Query] = []

    def statement(self) -> Statement:
        """A statement and its parameters."""
        rng = self.rng
        parameters = self.expressions.parameters = [] if rng.random() < 0.15 else None
        form = rng.choices(
            (self.with_shared, self.recursive, self.pivot, self.unpivot, self.star, self.distinct_on, self.unnested, self.positional,
             self.wrong),
            (60, 3, 3, 3, 8, 4, 4, 2, 4),
        )[0]
        query = self.top(form())
        # What was made and not used took parameters too
        used = list(dict.fromkeys(re.findall(r"\$(\d+)", query.sql)))
        sql = re.sub(r"\$(\d+)", lambda found: f"${used.index(found[1]) + 1}", query.sql)
        return Statement(sql, [parameters[int(number) - 1] for number in used], query.ordered)

    def top(self, query: Query) -> Query:
        """The query in a total order, if its columns have one; at times, or if it is long, some of its rows."""
        rng = self.rng
        sortable = all(kind in KEYS or kind == "F" for _, kind in query.columns)
        if query.ordered or not query.columns or not sortable or (rng.random() < 0.5 and query.rows <= MAX_ROWS):
            return query
        order = rng.sample(range(1, len(query.columns) + 1), len(query.columns))
        by = ", ".join(f"{i}{rng.choice(('', ' DESC'))}{rng.choice(('', ' NULLS FIRST', ' NULLS LAST'))}" for i in order)
        sql = f"SELECT * FROM ({query.sql}) AS ordered ORDER BY {rng.choice((by, by, 'ALL', 'ALL DESC'))}"
        if query.rows > MAX_ROWS or rng.random() < 0.4:
            sql += f" LIMIT {rng.choice((1, 5, 40))}" + (f" OFFSET {rng.choice((0, 2, 30))}" if rng.random() < 0.4 else "")
        return Query(sql, query.columns, query.rows, ordered=True)

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # --- relations

    def table(self, *, wild: bool = True, rows: int = MAX_WORK) -> Table:
        fitting = [table for table in self.tables.values() if table.columns and table.rows <= rows and (wild or not table.has_wild)]
        return self.rng.choice(fitting)

    def relation(self, outer: Scope | None, rows: int) -> tuple[str, Query]:
        """What may stand in FROM, with its columns."""
        rng = self.rng
        choice = rng.random()
        if self.shared and choice < 0.3:
            shared = rng.choice(self.shared)
            if shared.rows <= rows:
                return shared.sql, shared
        if choice > 0.78 and self.nesting < 2:
            query = self.select(None, outer if outer and rng.random() < 0.5 else None, rows)
            lateral = "LATERAL " if outer else ""
            return f"{lateral}({query.sql})", query
        if choice > 0.74:
            kinds = rng.sample(("I", "S", "D", "N"), 2)
            values = ", ".join(f"({', '.join(self.expressions.literal(kind) for kind in kinds)})" for _ in range(3))
            return f"(VALUES {values})", Query("", [("x", kinds[0]), ("y", kinds[1])], 3)
        if choice > 0.71:
            return rng.choice(("range(5)", "generate_series(1, 4)", "range(0, 100, 9)")), Query("", [("x", "L")], 12, ["x"])
        if choice > 0.69:
            return "unnest([3, NULL, 1, 3])", Query("", [("x", "I")], 4)
        table = self.table(rows=rows)
        return f"«{table.name}»{table.call}", Query("", table.columns, table.rows, ["id"])

    def source(self, outer: Scope | None = None, rows: int = MAX_WORK) -> tuple[str, Scope]:
        """A FROM clause of joins, and what can be named after it."""
        rng = self.rng
        sql, query = self.relation(None, rows)
        alias = self.name("a")
        scope = self.scope_of(alias, query)
        sql = f"{sql} AS {self.aliased(alias, query)}"
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            joined, added = self.joined(scope, outer)
            if added:
                sql, scope = f"{sql} {joined}", added
        return sql, scope

    def aliased(self, alias: str, query: Query) -> str:
        return f"{alias}({', '.join(name for name, _ in query.columns)})" if query.columns[0][0] == "x" else alias

    def scope_of(self, alias: str, query: Query) -> Scope:
        columns = [(f"{alias}.{name}", kind) for name, kind in query.columns]
        return Scope(columns, [f"{alias}.{name}" for name in query.ids], query.rows)

    def joined(self, scope: Scope, outer: Scope | None) -> tuple[str, Scope | None]:
        """A join of one more relation, and the scope after it; none if it would make too many rows."""
        rng = self.rng
        kind = rng.choice(("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "CROSS JOIN", "ASOF",
                           "LATERAL", "USING"))
        relation, query = self.relation(scope if kind == "LATERAL" else None, MAX_WORK)
        alias = self.name("a")
        right = self.scope_of(alias, query)
        named = f"{relation} AS {self.aliased(alias, query)}"
        both = Scope([*scope.columns, *right.columns], scope.ids + right.ids if scope.ids and right.ids else [], scope.rows * max(right.rows, 1))
        left_ids, right_ids = ([sql for sql in side.ids if (sql, "I") in side.columns] for side in (scope, right))
        unique = len(scope.ids) == 1 == len(left_ids) and len(right.ids) == 1 == len(right_ids)
        if kind == "ASOF":
            if not unique or query.rows > 5000 or scope.rows > 5000:
                return "", None
            both.rows = scope.rows
            side = rng.choice(("ASOF JOIN", "ASOF LEFT JOIN"))
            number = rng.choice([sql for sql, other in scope.columns if other == "I"])
            equal = self.equality(scope, right) if rng.random() < 0.5 else None
            return f"{side} {named} ON {f'{equal} AND ' if equal else ''}{number} >= {right_ids[0]}", both
        if kind == "USING" and unique:
            both.rows = max(scope.rows, right.rows)
            # The merged column is named without a table
            both.columns = [(sql, other) for sql, other in both.columns if sql not in (left_ids[0], right_ids[0])]
            if left_ids[0].split(".")[1] != "id" or right_ids[0].split(".")[1] != "id" or not both.columns:
                return "", None
            if len([1 for sql, _ in scope.columns if sql.endswith(".id")]) != 1:
                return "", None
            both.ids = []
            return f"{rng.choice(('', 'LEFT ', 'FULL '))}JOIN {named} USING (id)", both
        if both.rows > MAX_WORK:
            if not unique:
                return "", None
            both.rows = max(scope.rows, right.rows)
            condition = f"{left_ids[0]} = {right_ids[0]}"
            kind = kind if kind.endswith(" JOIN") and kind != "CROSS JOIN" else "JOIN"
        elif kind == "CROSS JOIN":
            return f"{rng.choice(('CROSS JOIN', ','))} {named}", both
        else:
            equal = self.equality(scope, right)
            condition = rng.choice((equal, equal, f"{equal} AND {self.expressions.of('B', both, 1)}", None)) if equal else None
            condition = condition or self.expressions.of("B", both, 1)
        if kind in ("SEMI JOIN", "ANTI JOIN"):
            return f"{kind} {named} ON {condition}", scope
        kind = rng.choice(("JOIN", "LEFT JOIN")) if kind in ("LATERAL", "USING") else kind
        return f"{kind} {named} ON {condition}", both

    def equality(self, left: Scope, right: Scope) -> str | None:
        """A condition that a column of one side is that of the other."""
        pairs = [(a, b) for a, kind in left.columns for b, other in right.columns if kind == other and kind in KEYS]
        return " {} ".format(self.rng.choice(("=", "=", "=", "IS NOT DISTINCT FROM"))).join(self.rng.choice(pairs)) if pairs else None

    # --- queries

    def subquery(self, outer: Scope, kinds: list[str] | None, single: bool) -> str | None:
        """A query for an expression, perhaps correlated; `single` has one row."""
        if self.nesting > 1 or outer.rows > 3000:
            return None
        rng = self.rng
        self.nesting += 2
        rows = max(10, MAX_WORK // max(outer.rows, 1)) // 10
        sql, scope = self.source(rows=min(rows, 3000))
        if scope.rows * outer.rows > MAX_WORK * 5:
            self.nesting -= 2
            return None
        visible = scope.with_columns(*outer.columns) if rng.random() < 0.6 else scope
        # What is aggregated is of this query: an aggregate of outer columns alone would be the outer query's
        made = [self.expressions.aggregate(kind, scope) if single else self.expressions.of(kind, visible, 1) for kind in kinds or ["I"]]
        where = f" WHERE {self.expressions.of('B', visible, 1)}" if rng.random() < 0.8 else ""
        self.nesting -= 2
        return f"SELECT {', '.join(made)} FROM {sql}{where}"

    def select(self, kinds: list[str] | None, outer: Scope | None = None, rows: int = MAX_WORK) -> Query:
        """A query of any form, with these kinds of columns."""
        self.nesting += 1
        form = self.rng.choices((self.plain, self.aggregated, self.windowed, self.combined), (5, 4, 2, 2))[0]
        kinds = kinds or self.rng.choices(OUTPUT_KINDS, k=self.rng.randint(1, 4))
        query = form(kinds, outer, rows)
        self.nesting -= 1
        return query

    def named(self, made: list[str], kinds: list[str]) -> tuple[str, list[tuple[str, str]]]:
        names = [self.name("c") for _ in made]
        return ", ".join(f"{sql} AS {name}" for sql, name in zip(made, names, strict=True)), list(zip(names, kinds, strict=True))

    def where(self, scope: Scope, likely: float = 0.45) -> str:
        return f" WHERE {self.expressions.of('B', scope, 2)}" if self.rng.random() < likely else ""

    def plain(self, kinds: list[str], outer: Scope | None, rows: int) -> Query:
        rng = self.rng
        source, scope = self.source(outer, rows)
        visible = scope.with_columns(*outer.columns) if outer else scope
        made = [self.expressions.of(kind, visible) for kind in kinds]
        columns, named = self.named(made, kinds)
        where = self.where(visible, 0.55)
        if all(kind in KEYS for kind in kinds) and rng.random() < 0.2:
            return Query(f"SELECT DISTINCT {columns} FROM {source}{where}", named, scope.rows)
        sql = f"SELECT {columns} FROM {source}{where}"
        if rng.random() < 0.1:
            sql = f"FROM {source} SELECT {columns}{where}"
        return Query(sql, named, scope.rows)

    def aggregated(self, kinds: list[str], outer: Scope | None, rows: int) -> Query:
        rng = self.rng
        source, scope = self.source(outer, rows)
        where = self.where(scope)
        keys: list[tuple[str, str]] = []
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            columns = [(sql, kind) for sql, kind in scope.columns if kind in KEYS]
            if columns and rng.random() < 0.6:
                keys.append(rng.choice(columns))
            elif columns:
                kind = rng.choice(("I", "S", "D", "B"))
                # A constant is no key: an integer would be the number of a column
                sql = self.expressions.of(kind, scope, 1)
                if any(name in sql for name, _ in scope.columns) and "$" not in sql and "SELECT" not in sql:
                    keys.append((sql, kind))
        keys = list(dict.fromkeys(keys))
        groups = [(sql, kind) for kind in dict.fromkeys([*kinds, "L", "H", "I", "S"]) if kind in AGGREGATED for sql in [self.expressions.aggregate(kind, scope)]]
        after = Scope(groups + keys, [], 1)
        # No subqueries: what they name must be a key
        self.nesting += 2
        made = [self.expressions.of(kind, after, rng.choice((0, 0, 1))) for kind in kinds]
        having = f" HAVING {self.expressions.of('B', after, 1)}" if rng.random() < 0.25 else ""
        self.nesting -= 2
        columns, named = self.named(made + [sql for sql, _ in keys], kinds + [kind for _, kind in keys])
        by = ""
        if keys:
            texts = [sql for sql, _ in keys]
            listed = ", ".join(texts)
            sets = f"GROUPING SETS (({listed}), ({texts[0]}), ())"
            by = " GROUP BY " + rng.choice((listed, listed, listed, f"ROLLUP ({listed})", f"CUBE ({listed})", sets))
            if "ROLLUP" in by or "CUBE" in by or "SETS" in by:
                columns, named = f"{columns}, grouping({texts[0]}) AS g", [*named, ("g", "L")]
        query = Query(f"SELECT {columns} FROM {source}{where}{by}{having}", named, scope.rows if keys else 1)
        if len(named) > len(kinds) and (self.nesting > 1 or rng.random() < 0.2):
            # Only the columns that were asked for
            columns = ", ".join(name for name, _ in named[: len(kinds)])
            query = Query(f"SELECT {columns} FROM ({query.sql}) AS {self.name('g')}", named[: len(kinds)], query.rows)
        return query

    def windowed(self, kinds: list[str], outer: Scope | None, rows: int) -> Query:
        rng = self.rng
        source, scope = self.source(outer, min(rows, 3000))
        kinds = [kind if kind in ORDERED_WINDOWS else "I" for kind in kinds] if self.nesting <= 1 else kinds
        made, windows = [], []
        for kind in kinds:
            sql = self.window(kind, scope)
            windows.append(sql)
            made.append(sql or self.expressions.of(kind, scope))
        where = self.where(scope)
        qualify = f" QUALIFY {windows[0]} IS NOT NULL" if windows[0] and rng.random() < 0.3 else ""
        columns, named = self.named(made, kinds)
        return Query(f"SELECT {columns} FROM {source}{where}{qualify}", named, scope.rows)

    def window(self, kind: str, scope: Scope) -> str | None:
        """A function over a window: of ordered rows if the rows have a total order, else an aggregate."""
        rng = self.rng
        keys = [sql for sql, other in scope.columns if other in KEYS]
        partition = f"PARTITION BY {rng.choice(keys)}" if keys and rng.random() < 0.7 else ""
        if kind in ORDERED_WINDOWS and scope.ids:
            total = ", ".join(f"{sql}{rng.choice(('', ' DESC', ' NULLS FIRST'))}" for sql in scope.ids)
            by = f"{rng.choice(keys)}, {total}" if keys and rng.random() < 0.5 else total
            frame = rng.choice(("", "", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                                "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW", "GROUPS BETWEEN 1 PRECEDING AND 2 FOLLOWING"))
            function = self.expressions.fill(rng.choice(ORDERED_WINDOWS[kind]), scope, 1)
            return f"{function} OVER ({partition} ORDER BY {by} {frame})"
        if kind not in AGGREGATED:
            return None
        by = f"ORDER BY {rng.choice(keys)}" if keys and rng.random() < 0.5 else ""
        numbers = scope.of("I")
        if by and numbers and rng.random() < 0.4:
            by = f"ORDER BY {rng.choice(numbers)} RANGE BETWEEN {rng.choice((1, 10))} PRECEDING AND {rng.choice((0, 5))} FOLLOWING"

        def over(function: str) -> str:
            return f" OVER ({partition} {'' if ' ORDER BY ' in function or 'DISTINCT' in function else by})"

        return self.expressions.aggregate(kind, scope, over)

    def combined(self, kinds: list[str], outer: Scope | None, rows: int) -> Query:
        """A set operation."""
        rng = self.rng
        operation = rng.choice(("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL", "UNION ALL BY NAME"))
        if operation != "UNION ALL":
            kinds = [kind if kind in KEYS else "S" for kind in kinds]
        left, right = self.plain(kinds, None, min(rows, 3000)), self.plain(kinds, None, min(rows, 3000))
        names = ", ".join(name for name, _ in left.columns)
        right_sql = f"SELECT * FROM ({right.sql}) AS {self.name('u')}({names})"
        return Query(f"({left.sql}) {operation} ({right_sql})", left.columns, left.rows + right.rows)

    def with_shared(self) -> Query:
        """A query, perhaps with common table expressions."""
        rng = self.rng
        parts = []
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            query = self.select(None, rows=3000)
            name = self.name("shared")
            parts.append(f"{name} AS {rng.choice(('', '', 'MATERIALIZED ', 'NOT MATERIALIZED '))}({query.sql})")
            self.shared.append(Query(name, query.columns, query.rows))
        query = self.select(None)
        query.sql = f"WITH {', '.join(parts)} {query.sql}" if parts else query.sql
        return query

    def recursive(self) -> Query:
        table = self.table(rows=100)
        step = self.rng.choice(("r.n + 1", "r.n + 2"))
        union = self.rng.choice(("UNION", "UNION ALL"))
        sql = (f"WITH RECURSIVE r(n, id) AS (SELECT 0, id FROM «{table.name}»{table.call} WHERE id % 5 = 1 {union}"
               f" SELECT {step}, t.id FROM r JOIN «{table.name}»{table.call} AS t ON t.id = (r.id * 3 + 1) % 17 WHERE r.n < 6)"
               f" SELECT n, id, count(*) AS c FROM r GROUP BY ALL")
        return Query(sql, [("n", "I"), ("id", "I"), ("c", "L")], 100)

    def pivot(self) -> Query:
        table = self.table(wild=False, rows=3000)
        on = self.rng.choice(("k IN (1, 2, 3)", "k", "k IN (0, 5)"))
        using = self.rng.choice(("count(*)", "max(id)", "sum(id), count(*) AS n"))
        by = self.rng.choice((" GROUP BY s", ""))
        source = self.rng.choice((f"«{table.name}»{table.call}", f"(SELECT k, s, id FROM «{table.name}»{table.call})"))
        return Query(f"PIVOT {source} ON {on} USING {using}{by or ' GROUP BY s'}", [], 100)

    def unpivot(self) -> Query:
        table = self.table(wild=False, rows=300)
        nulls = self.rng.choice(("", "INCLUDE NULLS "))
        name = f"(SELECT id, k FROM «{table.name}»{table.call})"
        if nulls:
            return Query(f"FROM {name} UNPIVOT {nulls}(v FOR n IN (id, k))", [("n", "S"), ("v", "I")], 600)
        return Query(f"UNPIVOT {name} ON id, k INTO NAME n VALUE v", [("n", "S"), ("v", "I")], 600)

    def star(self) -> Query:
        table = self.table(wild=False, rows=300)
        scope = Scope([(name, kind) for name, kind in table.columns], ["id"], table.rows)
        form = self.rng.choice(("*", "* EXCLUDE (k)", "* REPLACE ({} AS k)", "COLUMNS('^[iks]')", "t.*", "* RENAME (k AS kk)",
                                "COLUMNS(* EXCLUDE (s)), s", "max(COLUMNS(id, k))", "id, COLUMNS(c -> c LIKE 's%')", "t", "id, unnest(st)"))
        form = form.replace("COLUMNS(id, k)", "COLUMNS(['id', 'k'])").replace("c -> c", "lambda c: c").format(self.expressions.of("I", scope, 1))
        return Query(f"SELECT {form} FROM «{table.name}»{table.call} AS t{self.where(scope)}", [], table.rows)

    def distinct_on(self) -> Query:
        rng = self.rng
        source, scope = self.source(rows=3000)
        if not scope.ids:
            return self.with_shared()
        key = rng.choice([sql for sql, kind in scope.columns if kind in KEYS] or ["1"])
        number = self.expressions.of("I", scope)
        by = ", ".join([key, f"c {rng.choice(('', 'DESC'))}", *scope.ids])
        sql = f"SELECT DISTINCT ON ({key}) {number} AS c, {self.expressions.of('S', scope)} AS s FROM {source}{self.where(scope)} ORDER BY {by}"
        return Query(f"SELECT * FROM ({sql}) AS d", [("c", "I"), ("s", "S")], scope.rows)

    def unnested(self) -> Query:
        source, scope = self.source(rows=300)
        number, text = self.expressions.of("LI", scope, 1), self.expressions.of("S", scope, 1)
        form = self.rng.choice((f"unnest({number}) AS c, {text} AS s", f"unnest({number}) AS c, unnest([{text}, 'z']) AS s"))
        return Query(f"SELECT {form} FROM {source}{self.where(scope)}", [("c", "I"), ("s", "S")], scope.rows * 3)

    def positional(self) -> Query:
        left, right = self.table(wild=False, rows=3000), self.table(wild=False, rows=3000)
        sides = [f"(SELECT id, s FROM «{table.name}»{table.call} ORDER BY id) AS {alias}" for table, alias in ((left, "a"), (right, "b"))]
        sql = f"SELECT a.id AS i, a.s AS s, b.id AS j, b.s AS z FROM {' POSITIONAL JOIN '.join(sides)}"
        return Query(sql, [("i", "I"), ("s", "S"), ("j", "I"), ("z", "S")], max(left.rows, right.rows))

    def wrong(self) -> Query:
        """A query that is an error, or is one for some rows whatever the plan."""
        table = self.table(wild=False, rows=3000)
        name = f"«{table.name}»{table.call}"
        sql = self.rng.choice((
            f"SELECT nothing FROM {name}", f"SELECT t.nothing FROM {name} AS t WHERE id > 3", f"SELECT id + 'x' FROM {name}",
            f"SELECT ('x' || id)::INTEGER FROM {name}", f"SELECT sum(s) FROM {name}", f"SELECT id, count(*) FROM {name}",
            f"SELECT no_such_function(id) FROM {name}", f"SELECT (SELECT id FROM {name}) AS c FROM {name}", f"SELECT * FROM {name} WHERE count(*) > 1",
            f"SELECT (id + 2000000000)::INTEGER * 2 FROM {name}", f"SELECT id FROM {name} UNION SELECT id, k FROM {name}",
            f"SELECT * FROM {name} AS a, {name} AS b WHERE id = 1", f"SELECT error('no: ' || id) FROM {name}", f"SELECT * EXCLUDE (zz) FROM {name}",
            f"SELECT row_number() OVER (ORDER BY id) FROM {name} WHERE row_number() OVER () > 1", f"SELECT id FROM {name} ORDER BY 7",
            f"SELECT upper(id, k) FROM {name}", f"SELECT DATE '2020-02-30' FROM {name}", f"SELECT 2::UTINYINT - id::UTINYINT FROM {name}",
            f"SELECT id::TINYINT FROM {name}", f"SELECT st.zz FROM {name}", f"SELECT struct_extract(st, 'q') FROM {name}",
            f"SELECT * FROM {name} LIMIT -1", f"SELECT id FROM {name} WHERE s = 5", f"SELECT k FROM {name} GROUP BY id", f"SELECT * FROM {name} t(a, a, a)",
            f"WITH RECURSIVE r AS (SELECT id FROM {name} UNION SELECT x FROM r) FROM r", f"SELECT [id, s] FROM {name}", f"SELEC id FROM {name}",
            f"SELECT id FROM {name} WHERE (SELECT k FROM {name}) = 1", f"SELECT max(id) OVER (ROWS BETWEEN k FOLLOWING AND 1 PRECEDING) FROM {name}",
        ))
        return Query(sql, [], table.rows)


AGGREGATED = ("L", "H", "N", "F", "I", "S", "B", "D", "T", "Z", "U", "E", "LI", "LS", "ST", "M")
