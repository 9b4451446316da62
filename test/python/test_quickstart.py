"""sql/quickstart.sql, as the README shows it, in both hosts: the official wheel and our shell."""

import subprocess
from pathlib import Path

import duckdb
import pytest

from conftest import ROOT

SHIPPED = ROOT / "sql" / "quickstart.sql"


@pytest.fixture
def script(tmp_path: Path, free_port: int) -> Path:
    """The quick start with a free port instead of 8815."""
    text = SHIPPED.read_text()
    assert text.count("8815") == 3
    copy = tmp_path / "quickstart.sql"
    copy.write_text(text.replace("8815", str(free_port)))
    return copy


def test_the_wheel_runs_it(connection: duckdb.DuckDBPyConnection, script: Path) -> None:
    results = [
        connection.execute(statement).fetchall() for statement in duckdb.extract_statements(script.read_text())
    ]
    started, _attach, _create, inserted, _index, selected, _drop, _detach, stopped = results
    assert started == stopped == [(True,)]
    assert inserted == [(3,)]
    assert [row[:3] for row in selected] == [(2, "Bob", "bob@example.com"), (3, "Charlie", "charlie@example.com")]


def test_the_shell_runs_it(shell: Path, script: Path) -> None:
    done = subprocess.run([shell, "-f", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "charlie@example.com" in done.stdout
    assert "alice@example.com" not in done.stdout
