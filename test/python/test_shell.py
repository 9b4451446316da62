"""Drives build/release/duckdb as users do: with arguments, as a filter, and at a prompt on a pseudo-terminal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = Path(os.environ.get("DUCKHERDER_SHELL", ROOT / "build/release/duckdb"))
TIMEOUT_S = 30
#: What a terminal is told besides text: colours, cursor movements, modes.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")


@pytest.fixture
def home(tmp_path):
    """An empty home directory, so that no history or init file of the user is read or written."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def environment(home):
    names = {"HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    kept = {name: value for name, value in os.environ.items() if name not in ("DUCKDB_HISTORY", *names)}
    return kept | names


@pytest.fixture
def run(environment, tmp_path):
    def run(*arguments, stdin=""):
        return subprocess.run(
            [SHELL, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=TIMEOUT_S,
        )

    return run


class Terminal:
    """The shell at a prompt."""

    def __init__(self, environment, cwd, *arguments, columns=100):
        self.process = pexpect.spawn(
            str(SHELL),
            [str(argument) for argument in arguments],
            env=environment,
            cwd=cwd,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            dimensions=(50, columns),
        )

    def wait_for_prompt(self, prompt="D "):
        """Wait until the line editor shows the prompt and waits; return the text before it."""
        self.process.expect_exact("\x1b[?2004h")
        before = self.process.before
        self.process.expect_exact(prompt)
        return ESCAPES.sub("", before + self.process.before)

    def type(self, text, prompt="D "):
        """Type a line and wait for the next prompt; return what the shell wrote."""
        self.process.send(text + "\r")
        return self.wait_for_prompt(prompt)

    def leave(self):
        """Press Ctrl-D; return the exit status."""
        self.process.send("\x04")
        self.process.expect(pexpect.EOF)
        self.process.close()
        return self.process.exitstatus


@pytest.fixture
def terminal(environment, tmp_path):
    started = []

    def start(*arguments, **options):
        shell = Terminal(environment, tmp_path, *arguments, **options)
        started.append(shell)
        return shell

    yield start
    for shell in started:
        shell.process.close(force=True)


# --- arguments, files, standard input -------------------------------------------------------------------------------


def test_command_prints_its_result_and_exits(run):
    result = run("-csv", "-c", "SELECT 42 AS answer, NULL AS nothing")
    assert (result.returncode, result.stdout) == (0, "answer,nothing\n42,NULL\n")


def test_commands_share_a_session_and_their_order_with_modes(run):
    result = run("-list", "-c", "CREATE TABLE t AS SELECT 1 AS a", "-c", "FROM t", "-json", "-c", "FROM t")
    assert result.stdout == 'a\n1\n[{"a":1}]\n'


def test_positional_file_and_sql(run, tmp_path):
    assert run("my.db", "CREATE TABLE t AS SELECT 7 AS a").returncode == 0
    assert (tmp_path / "my.db").is_file()
    assert run("my.db", "-csv", "-noheader", "-readonly", "FROM t").stdout == "7\n"
    refused = run("my.db", "-readonly", "DROP TABLE t")
    assert refused.returncode == 1 and "read-only" in refused.stderr


def test_file_runs_statements_and_commands(run, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("#!/usr/bin/env duckdb -f\n.mode list\nSELECT 1\n  AS a;\n-- a comment; with a semicolon\nSELECT 2 AS b")
    result = run("-f", script)
    assert (result.returncode, result.stdout) == (0, "a\n1\nb\n2\n")


def test_missing_file_fails(run):
    result = run("-f", "missing.sql")
    assert result.returncode == 1 and '"missing.sql"' in result.stderr


def test_standard_input_is_a_script(run):
    result = run("-csv", stdin="CREATE TABLE t(a INT);\nINSERT INTO t VALUES (1),\n (2);\nSELECT sum(a) AS total FROM t")
    assert (result.returncode, result.stdout) == (0, "total\n3\n")


@pytest.mark.parametrize(
    "literal, value",
    [("'a;b'", "a;b"), ("$$a;b$$", "a;b"), ("$x$a;$$;b$x$", "a;$$;b"), ("'it''s;'", '"it\'s;"'), ("/* ; */ 1", "1")],
)
def test_semicolons_inside_literals_do_not_end_statements(run, literal, value):
    result = run("-csv", "-noheader", stdin=f"SELECT\n{literal}\n;\n")
    assert (result.returncode, result.stdout) == (0, f"{value}\n")


def test_an_error_fails_and_standard_input_goes_on(run):
    result = run("-csv", "-noheader", stdin="SELECT 1;\nSELECT nothing;\nSELECT 2;\n")
    assert (result.returncode, result.stdout) == (1, "1\n2\n")
    assert result.stderr.startswith('Binder Error: Referenced column "nothing" was not found')


def test_bail_stops_at_the_first_error(run):
    result = run("-csv", "-noheader", "-bail", stdin="SELECT 1;\nSELECT nothing;\nSELECT 2;\n")
    assert (result.returncode, result.stdout) == (1, "1\n")


def test_a_failed_command_stops_the_ones_after_it(run):
    result = run("-csv", "-c", "SELECT nothing", "-c", "SELECT 2")
    assert (result.returncode, result.stdout) == (1, "")


@pytest.mark.parametrize("sql", ["SELCT 1", "SELECT 1 +", "SELECT * FROM missing", "SELECT 'a'::INT"])
def test_errors_read_as_duckdb_writes_them(run, sql):
    with pytest.raises(duckdb.Error) as error:
        duckdb.connect().execute(sql).fetchall()
    assert run("-c", sql).stderr.rstrip() == str(error.value).rstrip()


def test_unknown_option_fails(run):
    result = run("-nosuch")
    assert result.returncode == 1 and '"-nosuch"' in result.stderr


def test_version_and_help(run):
    assert run("-version").stdout.startswith("v2.0.0 ")
    assert "-readonly" in run("-help").stdout


def test_init_file_runs_first(run, home, tmp_path):
    (tmp_path / "init.sql").write_text(".mode csv\n")
    (home / ".duckdbrc").write_text(".mode json\n")
    assert run("-init", "init.sql", "-c", "SELECT 1 AS a").stdout == "a\n1\n"
    # Without a prompt the user's own init file is not read.
    assert run("-csv", "-c", "SELECT 1 AS a").stdout == "a\n1\n"


def test_extension_is_loaded(run):
    result = run("-csv", "-noheader", "-c", "SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'duckherder'")
    assert (result.returncode, result.stdout, result.stderr) == (0, "true\n", "")


@pytest.mark.parametrize("content", [None, "not an extension"])
def test_an_extension_that_cannot_be_loaded_is_one_line(environment, tmp_path, content):
    file = tmp_path / "broken.duckdb_extension"
    if content:
        file.write_text(content)
    result = subprocess.run(
        [SHELL, "-csv", "-c", "SELECT 1 AS a"],
        capture_output=True,
        text=True,
        env=environment | {"DUCKHERDER_EXTENSION": str(file)},
        timeout=TIMEOUT_S,
    )
    assert (result.returncode, result.stdout) == (0, "a\n1\n")
    assert result.stderr.count("\n") == 1 and str(file) in result.stderr


# --- output modes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 42 AS answer",
        "SELECT NULL::INT AS a, [1, 2] AS b, {'x': 1.5} AS c, 'text' AS d, true AS e",
        "SELECT i, 'row ' || i AS s FROM range(100) t(i)",
        "SELECT i FROM range(43) t(i)",
        "SELECT i, i * 2 AS j FROM range(5000) t(i)",
        "SELECT 1 AS a WHERE false",
        "SELECT DATE '2026-11-22' AS d, TIMESTAMP '2026-11-22 10:00:00' AS t, 'blob'::BLOB AS b, 'ü' AS u",
        "DESCRIBE SELECT 1 AS a, 'x' AS b",
    ],
)
def test_boxes_are_duckdbs_own(run, capfd, sql):
    duckdb.connect().sql(sql).show(max_rows=40, max_width=100_000)
    expected = capfd.readouterr().out.rstrip()
    result = run("-c", sql)
    assert (result.returncode, result.stdout.rstrip()) == (0, expected)


def test_long_results_are_counted_but_not_kept(run):
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    result = subprocess.run(
        [sys.executable, "-c", script, SHELL, "-c", "FROM range(100_000_000)"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "100000000 rows" in result.stdout and "(40 shown)" in result.stdout
    assert " 99999999 │" in result.stdout
    peak_kib = int(result.stdout.splitlines()[-1])
    assert peak_kib < 400 * 1024


def test_csv_streams_with_bounded_memory(environment):
    script = "import resource, subprocess, sys; "
    script += "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    result = subprocess.run(
        [sys.executable, "-c", script, SHELL, "-csv", "-c", "SELECT i, 'some text ' || i FROM range(5_000_000) t(i)"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert int(result.stdout) < 400 * 1024


def test_json_is_valid(run):
    sql = """SELECT 1 AS i, 1.5 AS d, 'a"b\\c\n' AS s, NULL AS n, true AS b, [1, NULL] AS l, {'k': 'v'} AS r,
        MAP {'x': 1} AS m, 'inf'::DOUBLE AS f, 170141183460469231731687303715884105727::HUGEINT AS h,
        ['nan'::FLOAT] AS nan, DATE '2026-11-22' AS day, '{"j": [1]}'::JSON AS j UNION ALL SELECT 2, 2.5, '', 1, false, [], NULL,
        MAP {}, 1e300, 0, NULL, NULL, 'null'"""
    rows = json.loads(run("-json", "-c", sql).stdout)
    assert rows[0] == {
        "i": 1, "d": 1.5, "s": 'a"b\\c\n', "n": None, "b": True, "l": [1, None], "r": {"k": "v"}, "m": {"x": 1},
        "f": "inf", "h": 2**127 - 1, "nan": ["NaN"], "day": "2026-11-22", "j": {"j": [1]},
    }  # fmt: skip
    assert rows[1]["f"] == 1e300
    assert [json.loads(line) for line in run("-jsonlines", "-c", sql).stdout.splitlines()] == rows
    assert json.loads(run("-json", "-c", "SELECT 1 WHERE false").stdout) == []


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("csv", 'a,b\n1,"x,y"\n2,NULL\n'),
        ("list", "a|b\n1|x,y\n2|NULL\n"),
        ("tabs", "a\tb\n1\tx,y\n2\tNULL\n"),
        ("quote", "'a','b'\n1,'x,y'\n2,NULL\n"),
        ("line", "    a = 1\n    b = x,y\n\n    a = 2\n    b = NULL\n"),
        ("column", "a  b   \n-  ----\n1  x,y \n2  NULL\n"),
        ("markdown", "| a |  b   |\n|--:|------|\n| 1 | x,y  |\n| 2 | NULL |\n"),
        ("table", "+---+------+\n| a |  b   |\n+---+------+\n| 1 | x,y  |\n| 2 | NULL |\n+---+------+\n"),
        ("box", "┌───┬──────┐\n│ a │  b   │\n├───┼──────┤\n│ 1 │ x,y  │\n│ 2 │ NULL │\n└───┴──────┘\n"),
        ("insert", 'INSERT INTO "table"("a","b") VALUES(1,\'x,y\');\nINSERT INTO "table"("a","b") VALUES(2,NULL);\n'),
        ("html", "<tr><th>a</th>\n<th>b</th>\n</tr>\n<tr><td>1</td>\n<td>x,y</td>\n</tr>\n"
                 "<tr><td>2</td>\n<td>NULL</td>\n</tr>\n"),
        ("trash", ""),
    ],
)  # fmt: skip
def test_modes(run, mode, expected):
    result = run(f"-{mode}", "-c", "SELECT * FROM (VALUES (1, 'x,y'), (2, NULL)) t(a, b)")
    assert (result.returncode, result.stdout) == (0, expected)


def test_inserts_run_again(run):
    made = run("-c", ".mode insert copy", "-c", "SELECT 1 AS a, 'it''s' AS b, 'x\ny' AS c, 'inf'::DOUBLE AS d")
    again = run("-csv", stdin=f"CREATE TABLE copy(a INT, b TEXT, c TEXT, d DOUBLE);\n{made.stdout}FROM copy;\n")
    assert again.stdout == 'a,b,c,d\n1,"it\'s","x\ny",inf\n'


def test_explain_shows_the_plan_as_drawn(run):
    result = run("-c", "EXPLAIN SELECT 42")
    assert "Projection" in result.stdout and "explain_key" not in result.stdout


def test_statements_without_rows_print_nothing(run):
    result = run("-c", "CREATE TABLE t(a INT); INSERT INTO t VALUES (1); SET threads = 1; BEGIN; COMMIT; DROP TABLE t")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_statements_that_expand_into_several(run):
    sql = "PIVOT (SELECT * FROM (VALUES ('a', 1), ('b', 2)) t(k, v)) ON k USING sum(v)"
    assert run("-csv", "-c", sql).stdout == "a,b\n1,2\n"


# --- dot commands ---------------------------------------------------------------------------------------------------


def test_catalog_commands(run):
    script = """CREATE TABLE ducks(a INT); CREATE VIEW ponds AS SELECT 1 AS x; CREATE SCHEMA s; CREATE TABLE s.t(b INT);
ATTACH ':memory:' AS other; CREATE TABLE other.far(c INT);
.tables
.tables d%
.schema ducks
.databases
"""
    lines = run(stdin=script).stdout.splitlines()
    assert lines[0].split() == ["ducks", "memory.s.t", "other.far", "ponds"]
    assert lines[1:] == ["ducks", "CREATE TABLE ducks(a INTEGER);", "memory:", "other:"]


def test_output_and_once(run, tmp_path):
    script = ".mode csv\n.once once.csv\nSELECT 1 AS a;\nSELECT 2 AS b;\n.output all.csv\nSELECT 3 AS c;\nSELECT 4 AS d;\n"
    script += ".output\nSELECT 5 AS e;\n.output |tr 5 6\nSELECT 5 AS f;\n.output\n"
    result = run(stdin=script)
    assert (result.stdout, result.stderr) == ("b\n2\ne\n5\nf\n6\n", "")
    assert (tmp_path / "once.csv").read_text() == "a\n1\n"
    assert (tmp_path / "all.csv").read_text() == "c\n3\nd\n4\n"


def test_open_changes_the_database(run, tmp_path):
    script = "CREATE TABLE t(a INT);\n.open other.db\n.tables\nCREATE TABLE u(a INT);\n.open --readonly other.db\n"
    result = run(stdin=script + ".tables\nDROP TABLE u;\n")
    assert result.stdout == "u\n"
    assert "read-only" in result.stderr


def test_settings_commands(run):
    script = ".mode list\n.nullvalue -\n.separator ;\n.headers off\nSELECT 1, NULL;\n.mode\n.print a 'b c'\n"
    assert run(stdin=script).stdout == "1;-\ncurrent output mode: list\na b c\n"


def test_maxrows_and_large_numbers(run):
    script = ".maxrows 4\nFROM range(10);\n.large_number_rendering footer\nSELECT 1234567 AS n;\n"
    out = run(stdin=script).stdout
    assert "(4 shown)" in out and "(1.23 million)" in out


def test_read_runs_a_file(run, tmp_path):
    (tmp_path / "inner.sql").write_text("SELECT 1 AS a;\nSELECT nothing;\nSELECT 2 AS b;\n")
    result = run("-csv", stdin=".read inner.sql\nSELECT 3 AS c;\n")
    assert (result.returncode, result.stdout) == (1, "a\n1\nb\n2\nc\n3\n")


def test_timer(run):
    out = run(stdin=".timer on\nSELECT 1;\n").stdout
    assert re.search(r"^Run Time \(s\): real \d+\.\d{3} user \d+\.\d{6} sys \d+\.\d{6}$", out, re.MULTILINE)


def test_echo(run):
    assert run("-csv", "-echo", stdin="SELECT 1 AS a;\n").stdout == "SELECT 1 AS a;\na\n1\n"


def test_exit_status_and_shell(run):
    result = run(stdin=".shell echo from the shell\n.exit 3\nSELECT 1;\n")
    assert (result.returncode, result.stdout) == (3, "from the shell\n")


def test_unknown_command_names_help(run):
    result = run(stdin=".nosuch\n")
    assert result.returncode == 1 and '".nosuch"' in result.stderr and ".help" in result.stderr


def test_wrong_arguments_show_the_usage(run):
    result = run(stdin=".timer maybe\n.read\n")
    assert result.stderr == "usage: .timer on|off\nusage: .read FILE\n"


def test_interrupt_ends_a_script(environment):
    process = subprocess.Popen(
        [SHELL, "-c", "SELECT sum(a.i * b.i) FROM range(10_000_000) a(i), range(10_000_000) b(i)", "-c", "SELECT 2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out) == (1, "")
    assert "INTERRUPT" in err


# --- the prompt -----------------------------------------------------------------------------------------------------


def test_prompt_runs_a_statement_of_many_lines(terminal):
    shell = terminal()
    assert "DuckDB v2.0.0" in shell.wait_for_prompt()
    shell.type("SELECT 'a;", prompt="· ")
    shell.type("b' AS text,", prompt="· ")
    assert "a;\\nb" in shell.type("  42 AS answer;")
    assert shell.leave() == 0


def test_prompt_survives_errors(terminal):
    shell = terminal()
    shell.wait_for_prompt()
    assert "Table with name missing does not exist" in shell.type("FROM missing;")
    assert "│     42 │" in shell.type("SELECT 42 AS answer;")


def test_history_is_kept_between_sessions(terminal, home):
    shell = terminal()
    shell.wait_for_prompt()
    shell.type("SELECT", prompt="· ")
    shell.type("  40 + 2 AS answer;")
    shell.type(".mode csv")
    assert shell.leave() == 0
    assert (home / ".duckdb_history").read_bytes() == b"SELECT\r\n  40 + 2 AS answer;\n.mode csv\n"

    shell = terminal()
    shell.wait_for_prompt()
    shell.process.send("\x1b[A\x1b[A")
    assert "42" in shell.type("")


def test_history_variable_names_another_file(terminal, environment, home, tmp_path):
    environment["DUCKDB_HISTORY"] = str(tmp_path / "elsewhere")
    shell = terminal()
    shell.wait_for_prompt()
    shell.type("SELECT 1;")
    assert shell.leave() == 0
    assert (tmp_path / "elsewhere").read_text() == "SELECT 1;\n"
    assert not (home / ".duckdb_history").exists()


def test_ctrl_c_clears_what_was_typed(terminal):
    shell = terminal()
    shell.wait_for_prompt()
    shell.type("SELECT", prompt="· ")
    shell.process.send("rubbish\x03")
    shell.wait_for_prompt()
    assert "42" in shell.type("SELECT 42;")
    shell.process.send("\x03")
    shell.wait_for_prompt()
    shell.process.send("\x03")
    assert ".quit" in shell.wait_for_prompt()


def test_ctrl_c_interrupts_a_query(terminal):
    shell = terminal()
    shell.wait_for_prompt()
    shell.process.send("SELECT sum(a.i * b.i) FROM range(10_000_000) a(i), range(10_000_000) b(i);\r")
    time.sleep(1.5)
    shell.process.send("\x03")
    assert "INTERRUPT" in shell.wait_for_prompt()
    assert "42" in shell.type("SELECT 42;")
    assert shell.leave() == 0


@pytest.mark.parametrize("connects", [False, True])
def test_ctrl_c_interrupts_a_remote_query(terminal, server, connects):
    shell = terminal()
    shell.wait_for_prompt()
    shell.type(f"ATTACH 'dh' (TYPE duckherder, server_host 'localhost', server_port {server.port});")
    shell.type("CREATE TABLE dh.one AS SELECT 1 AS i;")
    prompt, table = "D ", "dh.one"
    if connects:
        prompt, table = "dh D ", "one"
        shell.type("CONNECT dh;", prompt)
    endless = "range(1_000_000) a, range(1_000_000) b WHERE hash(a.range + b.range) = 1"
    shell.process.send(f"SELECT count(*) FROM {table}, {endless};\r")
    time.sleep(1.5)
    shell.process.send("\x03")
    assert "INTERRUPT" in shell.wait_for_prompt(prompt)
    assert "42" in shell.type(f"SELECT i + 41 FROM {table};", prompt)
    assert shell.leave() == 0


def test_quit_leaves(terminal):
    shell = terminal()
    shell.wait_for_prompt()
    shell.process.send(".quit\r")
    shell.process.expect(pexpect.EOF)
    shell.process.close()
    assert shell.process.exitstatus == 0


def test_init_file_is_read_at_a_prompt(terminal, home):
    (home / ".duckdbrc").write_text(".mode csv\n.prompt 'duck> '\n")
    shell = terminal()
    shell.wait_for_prompt("duck> ")
    assert "a\n42" in shell.type("SELECT 42 AS a;", prompt="duck> ")


def test_boxes_fit_the_terminal(terminal):
    shell = terminal(columns=90)
    shell.wait_for_prompt()
    out = shell.type("SELECT repeat('x', 300) AS wide, 1234567 AS n;")
    lines = [line for line in out.splitlines() if line.startswith(("│", "┌"))]
    assert lines and max(map(len, lines)) <= 90
    assert "(1.23 million)" in shell.type("SELECT 1234567 AS n;")


def test_long_queries_show_progress(terminal):
    shell = terminal()
    shell.wait_for_prompt()
    shell.type("SET progress_bar_time = 1; SET threads = 1;")
    shell.type("CREATE TABLE t AS SELECT i FROM range(20_000_000) t(i);")
    out = shell.type("SELECT count(*) FROM (SELECT i % 1000003 AS k, sum(hash(i)) FROM t GROUP BY k);")
    assert "100% ▕" in out and "elapsed" in out
    assert out.index("100%") < out.index("┌")
