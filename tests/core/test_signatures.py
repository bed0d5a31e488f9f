"""The very same failure, known again wherever it happens."""

from __future__ import annotations

import pytest

from orchestrator.core.decide.signatures import signature
from orchestrator.core.model import BeadState, Ending, Verdict
from tests.core.scene import Scene, bead

RED = Verdict(ending=Ending.CHECKS_FAILED, reason="`pytest` failed")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("FAILED test_a.py:12 in 0.31s", "FAILED test_a.py:14 in 12.4s", True),
        ("error at 0x7f00aa12", "error at 0x55d1cafe01", True),
        ("/tmp/build-81231/x: no such file", "/tmp/build-99/x: no such file", True),
        ("\x1b[31mFAILED\x1b[0m test_a", "FAILED test_a", True),
        ("FAILED test_a", "FAILED test_b", False),
        ("collected\n" * 50 + "FAILED test_a", "collected\n" * 90 + "FAILED test_a", True),
    ],
)
def test_what_differs_each_time_is_left_out(one: str, other: str, same: bool) -> None:
    """Numbers, addresses, colours; names stay."""
    assert (signature(RED, one) == signature(RED, other)) is same


def test_a_bead_that_fails_the_same_way_three_times_is_not_tried_again() -> None:
    """On whatever routes: it is not they that are not up to it."""
    scene = Scene(bead("a", tries=20, routes="red blue", verify=("check",)), workers=1)
    routes = []
    for _ in range(3):
        routes.append(scene.attempt("a").route)
        scene.sign("a")
        scene.deliver("a")
        scene.check("a", False)
    assert routes == ["red", "red", "blue"]
    assert scene.is_at("a") is BeadState.FAILED
    assert scene.record("a").reason == "`check` failed (the very same failure 3 times)"


def test_another_failure_is_tried_on() -> None:
    """It gets somewhere."""
    scene = Scene(bead("a", tries=20, verify=("check",)), workers=1)
    for ending in (Ending.CRASHED, Ending.SILENT, Ending.CRASHED, Ending.TIMED_OUT):
        scene.sign("a")
        scene.breaks("a", ending)
        scene.wait(60.0)
    assert scene.is_at("a") is BeadState.RUNNING
