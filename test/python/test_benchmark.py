"""The demo and the measurements, on little data: that they run to their end and check what they say."""

import subprocess

from conftest import RELEASE


def benchmark(*arguments: str) -> subprocess.CompletedProcess:
    command = [str(RELEASE / "duckherder-benchmark"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_the_demo_finds_all_queries_identical() -> None:
    done = benchmark("demo", "--scale", "0.01")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "22 of 22 identical"
    assert "charlie@example.com" in done.stdout


def test_streaming_stays_within_its_memory() -> None:
    done = benchmark("stream-memory", "--scale", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Streamed 600572 rows" in done.stdout


def test_a_limit_that_is_exceeded_fails() -> None:
    done = benchmark("stream-memory", "--scale", "0.01", "--limit-mb", "1")
    assert done.returncode == 1
    assert "TOO MUCH" in done.stdout


def test_a_scale_that_means_nothing_is_refused() -> None:
    done = benchmark("transfer", "--scale", "0")
    assert done.returncode == 1
    assert "--scale must be positive, got 0" in done.stderr
