"""Files that are missing or damaged while workers read them: an error in time that names the file, or the right answer."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import answer_of
from cluster_checks import RIGHT, check_that_all_is_given_back, expected_rows, outcome
from clusters import Cluster, cluster_with_files

LIMIT_S = 15
#: Reads all columns of all row groups.
READ = "SELECT g, count(*), sum(i), sum(k), max(s), max(d), max(l) FROM t GROUP BY g"
SHUFFLED = "SELECT a.s, count(*), sum(b.i) FROM t a JOIN parts b ON a.i = b.i GROUP BY a.s"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("files")
    result = cluster_with_files(folder)
    result.folder = folder
    yield result
    result.end()


@pytest.fixture
def file(cluster: Cluster) -> Iterator[Path]:
    """The file of `t`, which is whole again afterwards."""
    path = cluster.folder / "t.parquet"
    content = path.read_bytes()
    yield path
    path.write_bytes(content)
    cluster.client.execute("USE dh")
    assert cluster.client.execute("SELECT count(*) FROM t").fetchone() == (200000,)
    check_that_all_is_given_back(cluster)


def fails(cluster: Cluster, query: str, path: Path) -> str:
    """What a query says that cannot be answered, of the file."""
    cluster.client.execute("USE dh")
    error = outcome(cluster.client, query, [], LIMIT_S)
    assert path.name in error and "exception_type" not in error, error
    return error


def test_a_file_is_missing(cluster: Cluster, file: Path) -> None:
    file.unlink()
    assert fails(cluster, READ, file).startswith("IOException")


def test_a_file_goes_after_the_query_was_planned(cluster: Cluster, file: Path) -> None:
    cluster.client.execute("USE dh")
    cluster.client.execute(f"PREPARE p AS {READ}")
    assert len(cluster.client.execute("EXECUTE p").fetchall()) == 7
    file.unlink()
    assert fails(cluster, "EXECUTE p", file).startswith("IOException")


def test_files_come_and_go(cluster: Cluster, file: Path) -> None:
    """A file goes at any moment of a query."""
    expected = expected_rows(cluster, SHUFFLED)
    chance = random.Random(1)
    away = file.with_name("away.parquet")
    cluster.client.execute("USE dh")
    outcomes = []
    for _ in range(40):
        timer = threading.Timer(chance.uniform(0, 0.4), file.rename, (away,))
        timer.start()
        outcomes.append(outcome(cluster.client, SHUFFLED, expected, LIMIT_S))
        timer.join()
        away.rename(file)
    errors = [text for text in outcomes if text != RIGHT]
    assert all(text.startswith("IOException") and file.name in text for text in errors), errors
    print(f"{len(errors)} of {len(outcomes)} queries failed")


def test_a_file_is_cut_short(cluster: Cluster, file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    fails(cluster, READ, file)
    file.write_bytes(b"")
    fails(cluster, READ, file)
    file.write_bytes(content[-len(content) // 2 :])
    fails(cluster, READ, file)


def test_a_file_is_damaged_within(cluster: Cluster, file: Path) -> None:
    """In the pages of one row group, which one of the tasks reads."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = b"\xff" * 20_000
    file.write_bytes(content)
    fails(cluster, READ, file)


def test_bytes_are_flipped(cluster: Cluster, file: Path) -> None:
    """What DuckDB says of them, the cluster says: Parquet has no checksums that it would look at."""
    content = file.read_bytes()
    chance = random.Random(2)
    compared = errors = 0
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(20):
            damaged[chance.randrange(4, len(content) - 20_000)] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        cluster.client.execute("USE memory")
        here = answer_of(cluster.client, READ, [])
        cluster.client.execute("USE dh")
        there = answer_of(cluster.client, READ, [])
        if here.error:
            assert there.error and file.name in there.message, (here.message, there.message)
            errors += 1
        else:
            assert there.same_as(here, ordered=False, rounded=True), f"{there}\nhere: {here}"
            compared += 1
    print(f"{errors} errors, {compared} answers")
    assert errors
