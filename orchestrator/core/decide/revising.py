"""Another manifest for a run that has begun: what it would change, whether it may, and what follows from it.

Added beads start when what they need is done, also where that landed long ago. What has not started is what the new
manifest says; what is in an attempt is so from its next one on; what has landed stays. Removed beads are given up.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide.outcome import LOST_CAUSES, block_dependents, cancel
from orchestrator.core.model import BeadId, BeadState, Ending, RunState
from orchestrator.core.state import State
from orchestrator.core.values import Struct

REMOVED = "the manifest has it no more"


class Difference(Struct, frozen=True, kw_only=True):
    """Between a run and another manifest, by bead."""

    added: tuple[BeadId, ...]
    changed: tuple[BeadId, ...]
    """Not started: they are what the manifest says from now on."""
    later: tuple[BeadId, ...]
    """In an attempt: so from their next one on, if there is one."""
    landed: tuple[BeadId, ...]
    """Done already: they stay as they are."""
    removed: tuple[BeadId, ...]
    """Given up."""
    stays: tuple[BeadId, ...]
    """Removed, but done already."""
    checks: bool = False
    """Other checks on merged trees."""

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.later or self.removed or self.checks)


def difference(state: State, revision: m.Revision) -> Difference:
    wanted = {bead.id: bead for bead in revision.manifest.beads}
    known = [bead for bead, record in state.beads.items() if not record.removed]
    other = [bead for bead in known if bead in wanted and _differs(state, bead, revision)]
    done = {bead for bead, record in state.beads.items() if record.state is BeadState.DONE}
    at_work = {bead for bead, record in state.beads.items() if record.token is not None}
    gone = [bead for bead in known if bead not in wanted]
    return Difference(
        added=tuple(bead for bead in wanted if bead not in known),
        changed=tuple(bead for bead in other if bead not in done | at_work),
        later=tuple(bead for bead in other if bead in at_work - done),
        landed=tuple(bead for bead in other if bead in done),
        removed=tuple(bead for bead in gone if bead not in done),
        stays=tuple(bead for bead in gone if bead in done),
        checks=state.manifest.verify != revision.manifest.verify,
    )


def _differs(state: State, bead: BeadId, revision: m.Revision) -> bool:
    record = state.beads[bead]
    wanted = next(each for each in revision.manifest.beads if each.id == bead)
    return (record.revised or record.spec) != wanted


def refusals(state: State, revision: m.Revision) -> list[str]:
    """All that stands against it; empty: nothing does."""
    now, wanted = state.manifest, revision.manifest
    found = []
    if state.run is RunState.FINISHED:
        found.append("the run is over: `orchestrator run` begins a new one, and does nothing twice that has landed")
    for what, is_, was in (
        ("name", wanted.name, now.name),
        ("target", wanted.target, now.target),
        ("base", wanted.base, now.base),
        ("setup", list(wanted.setup), list(now.setup)),
    ):
        if is_ != was:
            found.append(f"{what}: it is {is_!r}, and the run has {was!r}: that cannot change while it is not over")
    return found


def told(found: Difference) -> str:
    """In one line."""
    said = ((found.added, "added"), (found.changed, "changed"), (found.later, "changed later"))
    counts = [f"{len(beads)} {how}" for beads, how in (*said, (found.removed, "removed")) if beads]
    return f"the manifest is applied: {', '.join(counts) or 'no bead is another'}"


def revise(state: State, revision: m.Revision, by: str, at: float) -> Iterator[m.Event]:
    """Only where nothing stands against it. What is at work is dealt with by `withdrawn`, when somebody is."""
    found = difference(state, revision)
    back = [bead for bead in found.added if bead in state.beads]
    by_author = [
        bead
        for bead, record in state.beads.items()
        if record.state is BeadState.HELD and record.reason == record.spec.hold
    ]
    yield m.ManifestChanged(
        at=at,
        revision=revision,
        by=by,
        added=found.added,
        changed=(*found.changed, *found.later),
        removed=found.removed,
    )
    for bead in back:
        if state.beads[bead].state is BeadState.CANCELLED:
            yield m.BeadReopened(at=at, bead=bead)
    yield from _replaced(state, by_author, at)


def _replaced(state: State, by_author: list[BeadId], at: float) -> Iterator[m.Event]:
    """Beads that wait for something else than they did, or for nothing."""
    for bead in [bead for bead, record in state.beads.items() if not record.removed]:
        record = state.beads[bead]
        let_go = bead in by_author and record.state is BeadState.HELD and not record.spec.hold
        if let_go or bead in state.misplaced:
            yield m.BeadReplanned(at=at, bead=bead)
        yield from _blocked(state, bead, at)
    todo = [bead for bead, record in state.beads.items() if record.state is BeadState.BLOCKED and not record.removed]
    while todo:
        bead = todo.pop()
        if state.beads[bead].state is BeadState.BLOCKED and not _lost(state, bead):
            yield m.BeadReplanned(at=at, bead=bead)
            todo += state.graph.dependents(bead)


def _blocked(state: State, bead: BeadId, at: float) -> Iterator[m.Event]:
    lost, record = _lost(state, bead), state.beads[bead]
    if lost and record.token is None and record.state in (BeadState.WAITING, BeadState.HELD):
        yield m.BeadBlocked(at=at, bead=bead, by=lost[0])
        yield from block_dependents(state, bead, at)


def _lost(state: State, bead: BeadId) -> list[BeadId]:
    return [need for need in state.beads[bead].spec.needs if state.beads[need].state in LOST_CAUSES]


def returned(state: State, at: float) -> Iterator[m.Event]:
    """Beads whose attempt is over, and that by another manifest need what is not done."""
    for bead in list(state.misplaced):
        if state.beads[bead].state is BeadState.READY:
            yield m.BeadReplanned(at=at, bead=bead)
            yield from _blocked(state, bead, at)


def withdrawn(state: State, at: float) -> Iterator[m.Event]:
    """Removed beads are given up: now, or when their session has ended and its work is saved; not in mid-landing."""
    for bead in list(state.withdrawn):
        record = state.beads[bead]
        if bead in state.landing:
            continue
        if record.token is not None and record.state is not BeadState.MERGING:
            given_up = state.attempts[record.token].given_up
            if given_up is None or given_up[0] is not Ending.CANCELLED:
                yield m.SessionGivenUp(at=at, token=record.token, ending=Ending.CANCELLED, reason=REMOVED)
        else:
            yield from cancel(state, bead, REMOVED, at)
