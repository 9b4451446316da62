"""Answers of statements, and whether two of them are the same."""

import math
from dataclasses import dataclass

import duckdb


@dataclass
class Answer:
    """Columns with their types and rows, or the class of an error."""

    columns: list[tuple[str, str]] | None = None
    rows: list[tuple] | None = None
    error: str | None = None
    message: str = ""

    def same_as(self, other: "Answer", ordered: bool, rounded: bool = False) -> bool:
        """Whether they are alike to the bit; `rounded` lets DOUBLEs differ by 1e-12 of their value."""
        if self.error or other.error:
            return self.error == other.error
        if self.columns != other.columns or len(self.rows) != len(other.rows):
            return False
        left, right = self.rows, other.rows
        if not ordered:
            left, right = (sorted(rows, key=lambda row: text(row, rounded)) for rows in (left, right))
        return all(alike(row, same, rounded) for row, same in zip(left, right, strict=True))

    def __str__(self) -> str:
        if self.error:
            return f"{self.error}: {self.message[:600]}"
        rows = "\n".join(f"    {row}" for row in sorted(map(repr, self.rows))[:12])
        return f"{len(self.rows)} rows of {self.columns}\n{rows}"


def text(row: tuple, rounded: bool) -> str:
    """The row without signs of zeros: which of two equal zeros is kept is open."""
    if rounded:
        row = tuple(float(f"{value:.9g}") if isinstance(value, float) else value for value in row)
    return repr(tuple(value + 0.0 if isinstance(value, float) else value for value in row))


def alike(row: tuple, other: tuple, rounded: bool) -> bool:
    if text(row, rounded=False) == text(other, rounded=False):
        return True
    return rounded and all(
        math.isclose(value, same, rel_tol=1e-12) if isinstance(value, float) and isinstance(same, float) else value == same
        for value, same in zip(row, other, strict=True)
        if repr(value) != repr(same)
    )


def answer_of(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list) -> Answer:
    """Run a statement, and keep what it answers."""
    try:
        connection.execute(sql, parameters)
        columns = [(column[0], str(column[1])) for column in connection.description or []]
        return Answer(columns, connection.fetchall())
    except duckdb.Error as error:
        return Answer(error=type(error).__name__, message=str(error))
