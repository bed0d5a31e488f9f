"""Letting go of what is old in the attic: nothing that a run may still go on from, and only while none is at work."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.orders import Refused
from orchestrator.core.messages import AttemptEnded
from orchestrator.core.model import BeadId, BeadState, RunState
from orchestrator.core.state import State
from orchestrator.core.values import Struct, replace

if TYPE_CHECKING:
    from orchestrator.repo.archive import AtticRef
    from orchestrator.store import Database


class Pruning(Struct, frozen=True, kw_only=True):
    gone: tuple[AtticRef, ...]
    """What goes, or has gone."""
    kept: tuple[tuple[AtticRef, str], ...]
    """What is as old, and stays; and the run that may go on from it."""


def prune(repo: Path, *, older_than_s: float, bead: str | None, really: bool, by: str) -> Pruning:
    """Raises `Refused`, `RepositoryFault` and `StoreFault`; nothing is then removed."""
    from orchestrator.repo import archive
    from orchestrator.repo.repository import open_repository
    from orchestrator.store import Database

    repository = open_repository(repo)
    try:
        database = Database.write(repository.state) if really else Database.read(repository.state)
    except FileNotFoundError:
        raise Refused(f"nothing has run on {repo} yet: there is nothing to prune") from None
    try:
        ended = _ended(database)
        ages = (replace(one, at=ended.get((one.bead, one.number), one.at)) for one in archive.attic(repository))
        until = time.time() - older_than_s
        old = [one for one in ages if one.at <= until and bead in (None, one.bead)]
        needed = _needed(database)
        gone = tuple(one for one in old if one.bead not in needed)
        if really:
            archive.prune(repository, gone, by=by)
        return Pruning(gone=gone, kept=tuple((one, needed[one.bead]) for one in old if one.bead in needed))
    finally:
        database.close()


def _ended(database: Database) -> Mapping[tuple[BeadId, int], float]:
    """When each attempt ended, by the runs that are known: a commit's own date is whatever an agent said it is."""
    ends = (event for row in database.runs() for event in database.events_of(row.id) if isinstance(event, AttemptEnded))
    return {(event.bead, event.number): event.at for event in ends}


def _needed(database: Database) -> Mapping[BeadId, str]:
    """Beads that a run which is not over may still go on with, each with the run."""
    found: dict[BeadId, str] = {}
    for row in database.runs():
        if row.state != RunState.FINISHED:
            state = State.replay(database.events_of(row.id))
            found |= {bead: row.name for bead, record in state.beads.items() if record.state is not BeadState.DONE}
    return found
