"""Random SQL expressions over typed columns: what they may contain, and how they are put together.

An expression has one answer: nothing in it depends on the order of rows, on the clock, or on who evaluates what first. Numbers
stay small, casts that may fail are tried, so that errors are rare and come from the statement, not from the plan.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

#: The kinds of columns, as SQL types. Other kinds are the SQL types of `random_tables`, which only take part in `ANY`.
KINDS = {
    "B": "BOOLEAN",
    "I": "INTEGER",
    "L": "BIGINT",
    "H": "HUGEINT",
    "N": "DECIMAL(9,2)",
    "F": "DOUBLE",
    "S": "VARCHAR",
    "D": "DATE",
    "T": "TIMESTAMP",
    "Z": "TIMESTAMPTZ",
    "V": "INTERVAL",
    "TM": "TIME",
    "U": "UUID",
    "X": "BLOB",
    "E": "ENUM('red', 'green', 'blue', 'ü, it''s')",
    "LI": "INTEGER[]",
    "LS": "VARCHAR[]",
    "ST": "STRUCT(a INTEGER, b VARCHAR)",
    "M": "MAP(VARCHAR, INTEGER)",
}

#: Values of each kind, as text. Months and days make equal intervals that differ, so there are only days.
LITERALS = {
    "B": ("true", "false"),
    "I": ("0", "1", "-1", "2", "3", "7", "10", "42", "100", "-999", "500"),
    "L": ("0", "1", "-5", "9", "1000", "123456789012"),
    "H": ("0", "1", "-7", "170141183460469231731687303715884105727", "99999999999999999999"),
    "N": ("0.00", "1.50", "-1.50", "0.01", "99.99", "-100.25", "12.34"),
    "F": ("0.5", "1.0", "-2.25", "0.1", "1e10", "3.14159", "nan", "inf"),
    "S": ("", "a", "b", "abc", "Abc", "ÄÖ", "äö🦆", "日本", "it''s", "%", "a_b", "more than twelve bytes", "12", " x "),
    "D": ("2020-02-29", "1999-12-31", "2000-01-01", "2024-03-10", "2021-06-15"),
    "T": ("2020-02-29 12:34:56.789", "1999-12-31 23:59:59.999999", "2024-03-10 02:30:00", "2021-06-15 00:00:00"),
    "Z": ("2024-03-10 07:00:00+00", "2024-11-03 05:30:00+00", "1999-12-31 23:30:00+00", "2021-06-15 12:00:00+05:45"),
    "V": ("0 days", "1 day", "3 days", "-2 days", "10 days", "1 hour", "90 minutes"),
    "TM": ("00:00:00", "12:34:56.789", "23:59:59.999999"),
    "U": ("00000000-0000-0000-0000-000000000000", "80000000-0000-4000-8000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "X": (r"\x00\xFF", "", "abc"),
    "E": ("red", "green", "blue", "ü, it''s"),
    "LI": ("[]", "[1]", "[3, NULL, 1]", "[5, 5, 2, 9]", "[NULL]"),
    "LS": ("[]", "[a, b]", "[b, NULL, ä]", "[x]"),
    "ST": ("{a: 1, b: x}", "{a: NULL, b: ü}", "{a: 5, b: NULL}"),
    "M": ("{}", "{a=1}", "{a=1, b=NULL, ü=3}"),
}

#: Kinds whose equal values are the same, and that DuckDB orders: keys of groups, of joins, of ORDER BY.
KEYS = ("B", "I", "L", "H", "N", "S", "D", "T", "Z", "TM", "U", "X", "E", "LI", "LS", "ST")
NUMBERS = ("I", "L", "H", "N", "F")

# `«s0»` is a macro of `query_tables`, `{I}` an expression of that kind, `{I:x}` one that may use the lambda's parameter `x`, `{=S}` a literal, `{ANY}` any key of
# one kind throughout the template, `{@}` the last expression again, `{WILD}` a column of any kind, `{ID}` what tells all rows apart.
TEMPLATES = {
    "B": """{ANY} = {ANY}|{ANY} <> {ANY}|{ANY} < {ANY}|{ANY} >= {ANY}|{ANY} IS NOT DISTINCT FROM {ANY}|{ANY} IS DISTINCT FROM {ANY}
        {ANY} IS NULL|{ANY} IS NOT NULL|{ANY} IN ({ANY}, {ANY}, NULL)|{ANY} NOT IN ({ANY}, {ANY})|{ANY} BETWEEN {ANY} AND {ANY}
        {I} = {=I}|{I} > {=I}|{L} <= {=L}|{N} < {=N}|{F} > {=F}|{S} = {=S}|{S} >= {=S}|{D} >= {=D}|{T} < {=T}|{Z} > {=Z}|{E} = {=E}
        {I} IN ({=I}, {=I}, {=I})|{S} IN ({=S}, {=S}, {=S}, {=S})|{I} BETWEEN {=I} AND {=I}|{D} NOT BETWEEN {=D} AND {=D}
        {S} LIKE '%b%'|{S} LIKE 'a%'|{S} LIKE '_b%'|{S} NOT LIKE '%ö%'|{S} ILIKE 'AB%'|{S} LIKE '%\\%%' ESCAPE '\\'|{S} SIMILAR TO 'a.*'
        regexp_matches({S}, '^[a-cÄ].*')|{S} ~ '[0-9]+'|starts_with({S}, {S})|contains({S}, {S})|{S} GLOB 'a*'
        {B} AND {B}|{B} OR {B}|NOT {B}|{B} IS TRUE|{B} IS NOT FALSE|xor({I}, 1) > 0|CASE WHEN {B} THEN {B} ELSE {B} END
        list_contains({LI}, {I})|list_has_any({LI}, {LI})|list_has_all({LS}, {LS})|map_contains({M}, {S})|map_contains_value({M}, {I})|map_contains_entry({M}, {S}, {I})|list_bool_or(list_transform({LI}, lambda x: {B:x}))
        isnan({F})|isfinite({F})|list_bool_and(list_transform({LI}, lambda x: {B:x}))|{V} > {=V}|{I} > {N}|{L} = {I}|{F} >= {I}""",
    "I": """({I} + {I}) % 1000|({I} - {I}) % 1000|({I} * ({I} % 10)) % 997|{I} // NULLIF({I} % 7, 0)|-({I} % 100)|abs({I} % 1000)
        CASE WHEN {B} THEN {I} ELSE {I} END|CASE {I} WHEN {=I} THEN {I} WHEN {=I} THEN {I} END|COALESCE({I}, {I}, 0)
        NULLIF({I}, {I})|greatest({I}, {I})|least({I}, {I}, {I})|TRY_CAST({S} AS INTEGER)|({L} % 1000)::INTEGER|({I} & 255)|(abs({I} % 8)) << 2
        ({ST}).a|({LI})[1]|({LI})[{I}]|list_extract({LI}, -1)|list_max({LI})|list_min({LI})|({M})['a']|element_at({M}, 'b')[1]
        list_reduce(list_append({LI}, {I}), lambda x, y: (COALESCE(x, 1) + COALESCE(y, 2)) % 1000)|round({N})::INTEGER|TRY_CAST(round({F}) AS INTEGER) % 1000
        TRY_CAST({F} AS INTEGER) % 1000|{B}::INTEGER|enum_code({E})::INTEGER|xor({I} % 100, {I} % 100)|sign({I})::INTEGER
        if({B}, {I}, {I})|«s0»({I}, {I})|«s0»(7 - 5, {I})|{N}::INTEGER|list_aggregate({LI}, 'max')|(year({D}) % 100)::INTEGER
        list_min(list_append({LI}, {I}))|list_count({LI})::INTEGER|days_in_month({D})::INTEGER|list_first({LI})|list_any_value({LI})""",
    "L": """length({S})|len({LI})|cardinality({M})::BIGINT|{I}::BIGINT|extract(year FROM {D})|extract(dow FROM {T})|extract(hour FROM {Z})
        datediff('day', {D}, {D})|date_diff('month', {T}, {T})|datesub('week', {D}, {D})|({L} + {I}) % 100000|list_sum({LI})::BIGINT % 1000|list_count({LS})::BIGINT|strlen({S})|position('b' IN {S})
        list_position({LI}, {I})::BIGINT|list_unique({LS})::BIGINT|{D} - {D}|(hash({S}) % 1000)::BIGINT|bit_count({I})::BIGINT
        levenshtein({S}, {S})|CASE WHEN {B} THEN {L} END|COALESCE({L}, {I})|unicode({S})::BIGINT|octet_length({X})|epoch_ms({T})
        date_part('quarter', {D})|monthname({D}).length()|array_length({LS})""",
    "H": "{I}::HUGEINT|{H} % 1000|({H} % 100000) * {I}|CASE WHEN {B} THEN {H} ELSE {I}::HUGEINT END|COALESCE({H}, 0)|greatest({H}, {L})",
    "N": """({N} + {N})::DECIMAL(12,2)|{I}::DECIMAL(12,2)|(({N} % 100) * 1.5)::DECIMAL(12,2)|round({N}, 1)::DECIMAL(12,2)|COALESCE({N}, 0)
        TRY_CAST({S} AS DECIMAL(9,2))|CASE WHEN {B} THEN {N} ELSE 0.5 END|abs({N})|greatest({N}, {N})|({N} % 7)::DECIMAL(9,2)|-{N}
        NULLIF({N}, {N})|CAST({I} AS DECIMAL(18,4))|ceil({N})::DECIMAL(12,2)""",
    "F": """{I} / NULLIF({I}, 0)|{F} + {I}|list_avg({LI})|list_median({LI})|{F} * 0.5|sqrt(abs({I}))|round({F}, 2)|{N}::DOUBLE|{I}::DOUBLE|CASE WHEN {B} THEN {F} ELSE {F} END|floor({F})
        COALESCE({F}, 0)|{N} / NULLIF({I}, 0)|epoch({T})|TRY_CAST({S} AS DOUBLE)|{F}::FLOAT::DOUBLE|jaccard('a' || {S}, 'b' || {S})|{I} ** 2|{L} / 10""",
    "S": """upper({S})|lower({S})|{S} || {S}|left({S}, 2)|right({S}, 3)|substring({S}, 2, 2)|({S})[1:2]|reverse({S})|trim({S})|replace({S}, 'b', 'ß')
        {I}::VARCHAR|{D}::VARCHAR|{T}::VARCHAR|{N}::VARCHAR|{F}::VARCHAR|{LI}::VARCHAR|{ST}::VARCHAR|{M}::VARCHAR|{U}::VARCHAR|{X}::VARCHAR
        {E}::VARCHAR|{Z}::VARCHAR|{V}::VARCHAR|{TM}::VARCHAR|{B}::VARCHAR|{H}::VARCHAR|{ANY}::VARCHAR|typeof({ANY})|{WILD}::VARCHAR
        CASE WHEN {B} THEN {S} ELSE {S} END|COALESCE({S}, 'none')|NULLIF({S}, '')|concat({S}, {I}, {S})|concat_ws('-', {S}, {D})
        regexp_replace({S}, '[aä]', 'x', 'g')|regexp_extract({S}, '([a-z]+)', 1)|lpad({S}, 5, '*')|repeat({S}, 2)|split_part({S}, 'b', 1)
        strftime({D}, '%Y/%m/%d')|strftime({T}, '%a %H:%M')|strftime({Z}, '%c')|dayname({D})|format('{{}}-{{}}', {I}, {S})|printf('%05d', {I})
        md5({S})|hex({S})|strip_accents({S})|({ST}).b|({LS})[1]|array_to_string({LS}, '/')|array_to_string_comma_default({LS})|list_string_agg({LS})|if({B}, {S}, 'no')|to_json({ST})::VARCHAR|to_json({LI})::VARCHAR
        json_extract_string(to_json({ST}), '$.b')|json_object('k', {I}, 's', {S})::VARCHAR|greatest({S}, {S})|to_base64({X})|chr(97 + abs({I} % 20))
        list_aggregate(list_sort({LS}), 'string_agg', ',')|translate({S}, 'ab', 'yz')|nfc_normalize({S})|{S}.upper().left(3)|bin(abs({I} % 50))""",
    "D": """{D} + ({I} % 1000)|date_trunc('month', {D})::DATE|({D} + {V})::DATE|last_day({D})|{T}::DATE|CASE WHEN {B} THEN {D} END|COALESCE({D}, {D})
        make_date(2000 + abs({I} % 30), 1 + abs({I} % 12), 1 + abs({I} % 28))|TRY_CAST({S} AS DATE)|greatest({D}, {D})|{Z}::DATE""",
    "T": """{T} + {V}|date_trunc('hour', {T})|{D}::TIMESTAMP|{D} + INTERVAL 1 MONTH|{T} - INTERVAL 25 HOUR|{Z}::TIMESTAMP|time_bucket(INTERVAL 1 WEEK, {T})
        CASE WHEN {B} THEN {T} ELSE {T} END|date_add({T}, {V})|if({B}, {T}, {T})|{D} + {TM}|try_strptime({S}, '%Y')|COALESCE({T}, {D})|make_timestamp(2020, 1, 1 + abs({I} % 20), 5, 6, 7.5)
        timezone('Asia/Kathmandu', {Z})""",
    "Z": """{Z} + {V}|{T}::TIMESTAMPTZ|date_trunc('day', {Z})|{Z} + INTERVAL 1 MONTH|CASE WHEN {B} THEN {Z} END|timezone('Europe/Berlin', {T})
        time_bucket(INTERVAL 1 DAY, {Z})|to_timestamp({I} * 1000)""",
    "V": "to_days({I} % 10)|{T} - {T}|{V} * ({I} % 5)|INTERVAL (abs({I} % 100)) HOUR|{Z} - {Z}|CASE WHEN {B} THEN {V} END|-{V}",
    "TM": "{T}::TIME|{TM} + INTERVAL 1 HOUR|CASE WHEN {B} THEN {TM} END|make_time(abs({I} % 24), 5, 6.5)",
    "U": "CASE WHEN {B} THEN {U} ELSE {U} END|COALESCE({U}, {U})|TRY_CAST(md5({S}) AS UUID)",
    "X": "encode({S})|CASE WHEN {B} THEN {X} END|{X} || {X}|unhex(hex({S}))",
    "E": "CASE WHEN {B} THEN {E} ELSE {E} END|COALESCE({E}, {E})",
    "LI": """list_transform({LI}, lambda x: {I:x})|list_filter({LI}, lambda x: {B:x})|list_sort({LI})|list_reverse_sort({LI})|{LI} || {LI}|[{I}, {I}]
        ({LI})[1:2]|list_sort(list_distinct({LI}))|list_concat({LI}, [{I}])|flatten([{LI}, {LI}])|[x % 10 FOR x IN {LI} IF {B:x}]|list_reverse({LI})
        list_transform(range(abs({I} % 4)), lambda i: (i + {I}) % 100)::INTEGER[]|CASE WHEN {B} THEN {LI} END|COALESCE({LI}, [])|list_resize({LI}, 2)
        list_where({LI}, [true, false, true])|list_slice({LI}, 2, 3)|list_append({LI}, {I})|list_prepend({I}, {LI})|array_push_front({LI}, {I})|array_pop_back({LI})|array_pop_front({LI})
        list_transform({LI}, lambda x, i: COALESCE(x, 0) * i % 100)::INTEGER[]""",
    "LS": """string_split({S}, 'b')|list_transform({LI}, lambda x: {S:x})|list_filter({LS}, lambda s: s LIKE 'a%')|[{S}, {S}]|list_sort({LS})
        regexp_extract_all({S}, '[a-z]')|map_keys({M})|CASE WHEN {B} THEN {LS} END|str_split_regex({S}, '[ab]')|{LS} || [{S}]""",
    "ST": """struct_pack(a := {I}, b := {S})|{{'a': {I}, 'b': {S}}}|CASE WHEN {B} THEN {ST} END|COALESCE({ST}, {ST})|struct_update({ST}, a := {I})
        list_extract([{ST}, {ST}], 2)""",
    "M": "map(['j', 'k'], [{I}, {I}])|map_from_entries([('a', {I}), ('c', {I})])|CASE WHEN {B} THEN {M} END|MAP {{'a': {I}, 'z': {I}}}",
}
#: Expressions around a query. `{ROW I}` gives one value of a kind, `{ROWS I}` a column of them, `{ANYROWS}` any rows.
SUBQUERIES = {
    "B": "EXISTS ({ANYROWS})|NOT EXISTS ({ANYROWS})|{I} IN ({ROWS I})|{S} NOT IN ({ROWS S})|{I} > ALL ({ROWS I})|{D} = ANY ({ROWS D})"
    "|({I}, {S}) IN ({ROWS I S})|{I} < ({ROW I})",
    "I": "({ROW I})|COALESCE(({ROW I}), 0)",
    "S": "({ROW S})",
    "L": "({ROW L})",
    "LI": "ARRAY({ROWS I} ORDER BY 1)",
}

#: Aggregates whose answer does not depend on the order of rows.
AGGREGATES = {
    "L": "count(*)|count({ANY})|count(DISTINCT {ANY})|count_if({B})|regr_count({F}, {I})|count({WILD})",
    "H": "sum({I})|sum(DISTINCT {I})|sum({L} % 1000)|count_if({B})::HUGEINT|max({H})",
    "N": "min({N})|max({N})|sum({N})::DECIMAL(18,2)|quantile_disc({N}, 0.5)",
    "F": "avg({I})|avg({N})|median({I})|quantile_cont({I}, 0.25)|max({F})|min({F})|mad({I})",
    "I": "min({I})|max({I})|bit_xor({I})|bit_or({I})|bit_and({I})|quantile_disc({I}, 0.9)|arg_min({I}, {ID})|arg_max({I}, {ID})"
    "|min({I} ORDER BY {@})|first({I} ORDER BY {ID})|last({I} ORDER BY {ID} DESC NULLS LAST)",
    "S": "min({S})|max({S})|string_agg({S}, ',' ORDER BY {@})|string_agg(DISTINCT {S}, '/' ORDER BY {@})|arg_max({S}, {ID})"
    "|histogram({I} % 5)::VARCHAR|max({WILD}::VARCHAR)|arg_min({ANY}, {ID})::VARCHAR|first({S} ORDER BY {ID} NULLS FIRST)",
    "B": "bool_and({B})|bool_or({B})|max({B})",
    "D": "min({D})|max({D})|quantile_disc({D}, 0.5)",
    "T": "min({T})|max({T})",
    "Z": "min({Z})|max({Z})",
    "U": "max({U})",
    "E": "min({E})|max({E})",
    "LI": "list({I} ORDER BY {@})|array_agg(DISTINCT {I} ORDER BY {@} DESC)|max({LI})|max({I}, 3)|quantile_disc({I}, [0.1, 0.9])|list({I} ORDER BY {ID})",
    "LS": "list({S} ORDER BY {ID} DESC)|min({LS})",
    "ST": "min({ST})|arg_max({ST}, {ID})",
    "M": "histogram({S})::MAP(VARCHAR, INTEGER)",
}

#: Functions of a window whose rows are in a total order.
ORDERED_WINDOWS = {
    "L": "row_number()|rank()|dense_rank()|ntile(3)|count(*)",
    "I": "lag({I})|lead({I}, 2, {=I})|first_value({I})|last_value({I})|nth_value({I}, 2)|lag({I} IGNORE NULLS)|last_value({I} IGNORE NULLS)",
    "S": "lag({S})|lead({S}, 1, 'none')|first_value({S} IGNORE NULLS)|string_agg({S}, ',')",
    "F": "percent_rank()|cume_dist()|avg({I})",
    "H": "sum({I})",
    "LI": "list({I})",
    "N": "max({N})|lead({N})",
}


def parsed(table: dict[str, str]) -> dict[str, list[str]]:
    """The alternatives of each kind: bars and line ends part them, but two bars are SQL's operator."""
    return {
        kind: [text.strip() for line in texts.splitlines() for text in re.split(r"(?<!\|)\|(?!\|)", line) if text.strip()]
        for kind, texts in table.items()
    }


TEMPLATES, SUBQUERIES, AGGREGATES, ORDERED_WINDOWS = map(parsed, (TEMPLATES, SUBQUERIES, AGGREGATES, ORDERED_WINDOWS))

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{@\}|\{(?P<literal>=?)(?P<name>[A-Z]+)(?P<kinds>(?: [A-Z]+)*)(?::(?P<lambda>\w+))?\}")


@dataclass
class Scope:
    """What an expression may name: columns, as SQL with their kinds."""

    columns: list[tuple[str, str]]
    #: Columns that together tell all rows apart; none if that is not known.
    ids: list[str] = field(default_factory=list)
    #: How many rows there may be, which bounds the cost of a correlated subquery.
    rows: int = 1

    def of(self, kind: str) -> list[str]:
        return [sql for sql, other in self.columns if other == kind]

    def with_columns(self, *columns: tuple[str, str]) -> "Scope":
        return Scope([*self.columns, *columns], self.ids, self.rows)


def is_wild(kind: str) -> bool:
    """Whether it is a type of `random_tables`, for which there are no literals."""
    return kind not in KINDS


class Expressions:
    """Makes expressions. `query` makes those around a query: it gets the scope and the kinds of the columns, or none for any."""

    def __init__(self, rng: random.Random, query: Callable[[Scope, list[str] | None, bool], str | None]) -> None:
        self.rng = rng
        self.query = query
        #: Values of `$1`, `$2`, …; None if the statement shall have no parameters.
        self.parameters: list | None = None

    def of(self, kind: str, scope: Scope, depth: int = 2) -> str:
        """An expression of this kind."""
        rng = self.rng
        columns = scope.of(kind)
        if is_wild(kind):
            return rng.choice(columns)
        if columns and (depth <= 0 or rng.random() < 0.35):
            return rng.choice(columns)
        if depth <= 0 or rng.random() < 0.08:
            return self.literal(kind)
        if kind in SUBQUERIES and rng.random() < 0.06 and (made := self.fill(rng.choice(SUBQUERIES[kind]), scope, 1)):
            return made
        made = self.fill(rng.choice(TEMPLATES[kind]), scope, depth - 1)
        return f"({made})"

    def aggregate(self, kind: str, scope: Scope, over: Callable[[str], str] = lambda function: "") -> str:
        """An aggregate over the scope, perhaps of some rows only; `over` gives the window for its text, if it shall have one."""
        template = self.rng.choice([text for text in AGGREGATES[kind] if scope.ids or "{ID}" not in text])
        function, parenthesis, cast = template.partition(")::")
        made = self.fill(function + parenthesis[:1], scope, 1)
        rows = f" FILTER ({self.of('B', scope, 1)})" if self.rng.random() < 0.15 else ""
        return made + rows + over(made) + (f"::{cast}" if cast else "")

    def literal(self, kind: str) -> str:
        rng = self.rng
        if rng.random() < 0.08:
            return f"NULL::{KINDS[kind]}"
        text = rng.choice(LITERALS[kind])
        if self.parameters is not None and rng.random() < 0.5:
            return self.parameter(kind, text)
        if kind == "S" and rng.random() < 0.7:
            return f"'{text}'"
        return f"CAST('{text}' AS {KINDS[kind]})" if rng.random() < 0.5 or kind == "LI" or kind == "LS" else f"'{text}'::{KINDS[kind]}"

    def parameter(self, kind: str, text: str) -> str:
        makers = {"I": int, "L": int, "H": int, "F": float, "N": Decimal, "B": lambda value: value == "true"}
        text = text.replace("''", "'")
        self.parameters.append(makers.get(kind, str)(text))
        # Without the cast, a parameter takes the type of what it meets
        cast = "" if kind in ("I", "S") and self.rng.random() < 0.3 else f"::{KINDS[kind]}"
        return f"${len(self.parameters)}{cast}"

    def fill(self, template: str, scope: Scope, depth: int) -> str | None:
        """The template with expressions in it; nothing if it needs a query that cannot be had."""
        anything = self.rng.choice([kind for kind in dict.fromkeys(kind for _, kind in scope.columns) if kind in KEYS or is_wild(kind)] or ["I"])
        failed, last = False, ""

        def replaced(found: re.Match) -> str:
            nonlocal failed, last
            name = found["name"]
            if found[0] == "{@}":
                return last
            if not name:
                return found[0][0]
            if name in ("ROW", "ROWS", "ANYROWS"):
                made = self.query(scope, found["kinds"].split() or None, name == "ROW")
                failed = failed or made is None
                return made or ""
            if name == "ID":
                return scope.ids[0] if len(scope.ids) == 1 else f"row({', '.join(scope.ids)})"
            if name == "WILD":
                return self.rng.choice(scope.columns)[0] if scope.columns else self.literal("I")
            if found["literal"]:
                return self.literal(name)
            inner = scope.with_columns((found["lambda"], "I")) if found["lambda"] else scope
            last = self.of(anything if name == "ANY" else name, inner, depth)
            return last

        made = PLACEHOLDER.sub(replaced, template)
        return None if failed else made
