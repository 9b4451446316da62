"""Waiting for what has to happen, without guessing how long it takes."""

import time
from collections.abc import Callable

LIMIT_S = 60


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {what}"
        time.sleep(0.02)
