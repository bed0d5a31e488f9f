"""The tables of legal transitions."""

from __future__ import annotations

from enum import StrEnum

import pytest

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.changes import CHANGES
from orchestrator.core.model import BeadState, BreakerState, RunState, WorkerState

STARTS: list[tuple[machines.Table[StrEnum], StrEnum]] = [
    (machines.BEAD, BeadState.WAITING),  # type: ignore[list-item]
    (machines.WORKER, WorkerState.IDLE),  # type: ignore[list-item]
    (machines.BREAKER, BreakerState.CLOSED),  # type: ignore[list-item]
    (machines.PROVIDER, BreakerState.CLOSED),  # type: ignore[list-item]
    (machines.RUN, RunState.RUNNING),  # type: ignore[list-item]
]
NAMES = ["bead", "worker", "breaker", "provider", "run"]


@pytest.mark.parametrize(("table", "start"), STARTS, ids=NAMES)
def test_every_state_can_be_reached(table: machines.Table[StrEnum], start: StrEnum) -> None:
    """From the first state there is a way to each other one."""
    seen, todo = {start}, [start]
    while todo:
        fresh = set(table[todo.pop()].values()) - seen
        seen |= fresh
        todo += fresh
    assert seen == set(type(start))


@pytest.mark.parametrize(("table", "start"), STARTS, ids=NAMES)
def test_every_state_has_its_row(table: machines.Table[StrEnum], start: StrEnum) -> None:
    """A table says of every state what may follow, be it nothing."""
    assert set(table) == set(type(start))


@pytest.mark.parametrize(("table", "start"), STARTS, ids=NAMES)
def test_an_event_leads_from_a_state_to_one_other(table: machines.Table[StrEnum], start: StrEnum) -> None:
    """Whoever sees the event knows where it led, unless it leaves things as they are."""
    for event in {event for row in table.values() for event in row}:
        moves = {
            after for before, row in table.items() for each, after in row.items() if each is event and after != before
        }
        assert len(moves) <= 1, event


def test_nothing_leads_away_from_done() -> None:
    """What is done stays done."""
    assert machines.BEAD[BeadState.DONE] == {}


def test_every_event_changes_the_state_somehow() -> None:
    """`apply` knows each kind of event that there is, and no other."""
    assert {each.__name__ for each in CHANGES} == {each.__name__ for each in m.Event.__subclasses__()}


def test_every_event_of_the_tables_is_applied() -> None:
    """No row names an event that nobody applies."""
    assert {event for table, _ in STARTS for row in table.values() for event in row} <= set(CHANGES)


def test_a_transition_that_is_not_legal_says_what_would_have_been() -> None:
    """The error names the thing, its state, the event, and the row."""
    with pytest.raises(machines.IllegalTransition) as refused:
        machines.after(machines.BREAKER, BreakerState.HALF_OPEN, m.BreakerHalfOpened, "breaker of red")
    assert str(refused.value) == (
        "breaker of red is half_open: BreakerHalfOpened is not legal; legal are BreakerClosed, BreakerOpened"
    )


def test_where_nothing_is_legal_it_says_so() -> None:
    """The row of a state that ends is empty."""
    with pytest.raises(machines.IllegalTransition, match="bead a is done: BeadReadied is not legal; legal are none"):
        machines.after(machines.BEAD, BeadState.DONE, m.BeadReadied, "bead a")
