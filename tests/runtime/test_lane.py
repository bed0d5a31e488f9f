"""The lane that does one thing at a time: what somebody waits for goes first, and tidying is not put off for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from orchestrator.runtime.lane import PATIENCE, Lane, Urgency

LONG_S = 3600.0
"""Never quiet, as far as a test goes."""


class Told:
    """What a lane did, in its order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.faults: list[BaseException] = []
        self._changed = threading.Condition()

    def piece(self, name: str) -> None:
        with self._changed:
            self.done.append(name)
            self._changed.notify_all()

    def fault(self, fault: BaseException) -> None:
        self.faults.append(fault)

    def wait_for(self, name: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: name in self.done, timeout=30), self.done


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def lane(told: Told) -> Iterator[Lane]:
    lane = Lane("lane", told.fault, quiet_s=LONG_S)
    yield lane
    lane.close()
    assert not told.faults


def submit(lane: Lane, told: Told, name: str, urgency: Urgency = Urgency.NOW) -> None:
    lane.submit(lambda: told.piece(name), urgency)


def test_tidying_waits_while_urgent_work_keeps_coming(lane: Lane, told: Told) -> None:
    for number in range(4):
        submit(lane, told, f"urgent {number}")
        submit(lane, told, f"tidy {number}", Urgency.LATER)
        told.wait_for(f"urgent {number}")
    assert told.done == [f"urgent {number}" for number in range(4)]


def test_tidying_is_done_at_once_where_nothing_urgent_came(lane: Lane, told: Told) -> None:
    submit(lane, told, "tidy", Urgency.LATER)
    told.wait_for("tidy")


def test_tidying_is_done_when_it_has_become_quiet(told: Told) -> None:
    lane = Lane("lane", told.fault, quiet_s=0.01)
    submit(lane, told, "urgent")
    submit(lane, told, "tidy", Urgency.LATER)
    told.wait_for("tidy")
    lane.close()
    assert told.done == ["urgent", "tidy"]


def test_tidying_that_has_gathered_takes_turns_with_what_is_urgent(lane: Lane, told: Told) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(30)

    lane.submit(hold)
    begun.wait(30)
    for number in range(PATIENCE + 2):
        submit(lane, told, f"tidy {number}", Urgency.LATER)
    for number in range(3):
        submit(lane, told, f"urgent {number}")
    go_on.set()
    told.wait_for("urgent 2")
    assert told.done == ["tidy 0", "urgent 0", "tidy 1", "urgent 1", "urgent 2"]


def test_what_a_piece_of_work_raises_is_told_and_the_lane_goes_on(told: Told) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    lane = Lane("lane", told.fault)
    lane.submit(break_down)
    submit(lane, told, "next")
    told.wait_for("next")
    lane.close()
    assert [type(fault) for fault in told.faults] == [ZeroDivisionError]
