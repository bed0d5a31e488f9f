"""`^C` in the first moments, while modules are still being imported."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orchestrator.cli.interruption import interrupted

MACHINERY = "<frozen importlib._bootstrap>"


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, interrupted)
    yield
    signal.signal(signal.SIGINT, before)


def function(name: str, file: str) -> Callable[[list[str]], Any]:
    """One that is interrupted while it holds something, and lets go of it afterwards."""
    lines = (f"def {name}(log):", "log.append('taken')", f"interrupt({int(signal.SIGINT)})", "log.append('let go of')")
    made: dict[str, Any] = {"interrupt": signal.raise_signal}
    exec(compile("\n    ".join(lines), file, "exec"), made)
    found: Callable[[list[str]], Any] = made[name]
    return found


def test_it_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_module_lock_is_let_go_of_first() -> None:
    """Then it interrupts all the same: nobody has to press twice."""
    log: list[str] = []

    def goes_on() -> None:
        function("cb", MACHINERY)(log)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        goes_on()
    assert log == ["taken", "let go of"]


def test_elsewhere_a_function_of_that_name_is_interrupted() -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        function("cb", "somewhere.py")(log)
    assert log == ["taken"]
