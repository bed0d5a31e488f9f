"""What events of pull requests change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId
from orchestrator.core.records import PullRequest
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def begun(state: Standing, event: m.PullRequestBegun) -> None:
    state.proposing = event.bead
    _change(state, event.bead, under_way=event.turn, base=event.base, grounds=event.grounds)


def open_(state: Standing, event: m.PullRequestOpened | m.PullRequestUpdated) -> None:
    state.unproposed.pop(event.bead, None)
    _over(
        state, event.bead, turn=event.turn, url=event.url, branch=event.branch, commit=event.commit,
        failures=0, fault="",
    )  # fmt: skip


def delayed(state: Standing, event: m.PullRequestDelayed) -> None:
    _over(state, event.bead, failures=event.failures, fault=event.reason, waits=True)
    state.deadlines.set(("pull-request", event.bead), event.until)


def woke(state: Standing, event: m.PullRequestWoke) -> None:
    _change(state, event.bead, waits=False)
    state.deadlines.drop(("pull-request", event.bead))


def doubted(state: Standing, event: m.PullRequestDoubted) -> None:
    state.unproposed.pop(event.bead, None)
    _over(state, event.bead, doubt=event.reason)


def taken_up(state: Standing) -> None:
    """A process that begins tries again at once, and as often as the first time."""
    for bead in state.requests:
        _change(state, bead, waits=False, failures=0)
        state.deadlines.drop(("pull-request", bead))


def _over(state: Standing, bead: BeadId, **changes: Any) -> None:
    state.proposing = None
    _change(state, bead, under_way=None, **changes)


def _change(state: Standing, bead: BeadId, **changes: Any) -> None:
    state.requests[bead] = replace(state.requests.get(bead) or PullRequest(), **changes)


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.PullRequestBegun: begun,
    m.PullRequestOpened: open_,
    m.PullRequestUpdated: open_,
    m.PullRequestDelayed: delayed,
    m.PullRequestWoke: woke,
    m.PullRequestDoubted: doubted,
}
