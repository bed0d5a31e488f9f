"""Which pull requests are to be opened or brought up to date, and what they stand on: a pure reading of the state.

The night's own is of the target. Those of beads have one change each: on the base branch, or stacked on the one bead
that it needs, so each waits for those below it.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.model import BeadId, Per, PushWhen
from orchestrator.core.pushing import is_all_else_done
from orchestrator.core.records import PullRequest
from orchestrator.core.state import State

NIGHT = BeadId("")
"""Whose it is that is of the whole target."""


def behind(state: State) -> Iterator[tuple[BeadId, int]]:
    """Each that does not have all that it should, with how much has landed of it."""
    asked = state.policy.requests
    if asked is None:
        return
    if asked.per is Per.NIGHT:
        if state.landings > of(state, NIGHT).turn:
            yield NIGHT, state.landings
        return
    for bead in state.unproposed:
        yield bead, 1


def is_one_under_way(state: State) -> bool:
    return state.policy.requests is not None and state.proposing is not None


def due(state: State) -> tuple[BeadId, int] | None:
    """The next one to see to; one at a time."""
    if is_one_under_way(state):
        return None
    if state.policy.push_when is PushWhen.END and not is_all_else_done(state):
        return None
    able = (
        (bead, turn) for bead, turn in behind(state)
        if not of(state, bead).waits and all(of(state, need).turn for need in below(state, bead))
    )  # fmt: skip
    return next(able, None)


def holds_the_end(state: State) -> bool:
    """All else is done, and the run waits for them: not for ever, and for none that waits for one that failed."""
    return is_all_else_done(state) and any(_may_yet_be(state, bead) for bead, _ in behind(state))


def _may_yet_be(state: State, bead: BeadId) -> bool:
    if of(state, bead).failures >= state.policy.push_tries:
        return False
    unopened = [need for need in below(state, bead) if not of(state, need).turn]
    return all(not of(state, need).doubt and _may_yet_be(state, need) for need in unopened)


def below(state: State, bead: BeadId) -> tuple[BeadId, ...]:
    """Those that its own stands on: what it needs and has landed in this run, but for what those need anyway."""
    if bead == NIGHT:
        return ()
    needs = {need: None for need in state.beads[bead].spec.needs if need in state.landed}
    return tuple(each for each in needs if not any(each in _all_below(state, other) for other in needs))


def base_of(state: State, bead: BeadId) -> str:
    """The branch that its own is opened against."""
    stacked = below(state, bead)
    if len(stacked) == 1 and of(state, stacked[0]).branch:
        return of(state, stacked[0]).branch
    asked = state.policy.requests
    return (asked.base if asked else "") or short(state.base_branch)


def short(branch: str) -> str:
    """As it is called on a remote. That of a remote-tracking ref comes after the remote's name."""
    if branch.startswith("refs/remotes/"):
        return branch.split("/", 3)[-1]
    return branch.removeprefix("refs/heads/")


def of(state: State, bead: BeadId) -> PullRequest:
    return state.requests.get(bead) or _UNKNOWN


def _all_below(state: State, bead: BeadId) -> set[BeadId]:
    found, todo = set[BeadId](), [bead]
    while todo:
        needs = [need for need in state.beads[todo.pop()].spec.needs if need not in found]
        found.update(needs)
        todo += needs
    return found


_UNKNOWN = PullRequest()
