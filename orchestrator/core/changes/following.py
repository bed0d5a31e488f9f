"""What events of the base branch change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import try_out
from orchestrator.core.records import Following, Point
from orchestrator.core.standing import Standing


def moved(state: Standing, event: m.BaseMoved) -> None:
    state.base_tip = event.new


def composed(state: Standing, event: m.BaseComposed) -> None:
    onto = Point(commit=event.onto, tree=event.onto_tree)
    state.following = Following(base=event.base, onto=onto, made=Point(commit=event.commit, tree=event.tree))
    if state.train:
        state.tip = onto


def checked(state: Standing, event: m.BaseChecked) -> None:
    try_out(state, event)


def taken(state: Standing, event: m.BaseTaken) -> None:
    """Where it is the base's own commit, the target begins there."""
    state.base_taken, state.base_taken_at, state.base_fault = event.base, event.at, ""
    if event.commit is None or event.tree is None:
        return
    if event.commit == event.base:
        state.target_base = event.base
    else:
        state.bases[event.commit] = (event.tree, event.checks)
        state.landings += 1
    state.following, state.shoves, state.base_rests = None, 0, True
    state.tip = Point(commit=event.commit, tree=event.tree) if state.train else None


def refused(state: Standing, event: m.BaseRefused) -> None:
    state.base_refused, state.base_fault, state.following = event.base, event.reason, None


def delayed(state: Standing, event: m.BaseDelayed) -> None:
    state.following, state.base_waits, state.base_fault = None, True, event.reason
    state.deadlines.set(("base", ""), event.until)


def woke(state: Standing, event: m.BaseWoke) -> None:
    state.base_waits = False
    state.deadlines.drop(("base", ""))


def taken_up(state: Standing) -> None:
    """A process that begins tries again at once."""
    state.base_waits, state.base_refused = False, None
    state.deadlines.drop(("base", ""))


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.BaseMoved: moved,
    m.BaseComposed: composed,
    m.BaseChecked: checked,
    m.BaseTaken: taken,
    m.BaseRefused: refused,
    m.BaseDelayed: delayed,
    m.BaseWoke: woke,
}
