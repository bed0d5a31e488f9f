"""What is known of a repository and its runs, for whoever only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.clock import SystemClock
from orchestrator.app.orders import Refused
from orchestrator.core import messages as m
from orchestrator.core.state import State
from orchestrator.core.values import Struct

if TYPE_CHECKING:
    from orchestrator.repo.repository import Repository
    from orchestrator.runtime.ports import Holder
    from orchestrator.store import Database, RunRow


SAMPLES_S = 60.0
"""How old samples may be that are still shown."""


def holder(repository: Repository) -> Holder | None:
    """Who is at work on a repository."""
    from orchestrator.store import Database

    try:
        database = Database.read(repository.state)
    except FileNotFoundError:
        return None
    try:
        return database.holder()
    finally:
        database.close()


class Reading(Struct, frozen=True, kw_only=True):
    """A repository's newest run, as it stands in the database. Read-only."""

    place: Path
    """Some folder of the repository."""
    folder: Path
    """Of all that we know about it."""
    database: Database
    row: RunRow
    state: State
    events: tuple[m.Event, ...]
    opened: Repository | None = None
    """None: nobody has asked git about it yet."""

    @property
    def repository(self) -> Repository:
        """As git sees it, which takes a while. Raises `RepositoryFault`."""
        from orchestrator.repo.repository import open_repository

        return self.opened or open_repository(self.place)

    def samples(self) -> m.Sampled | None:
        """The newest of live sessions; None where they are old, or nobody is at work."""
        from orchestrator.store.samples import newest

        if self.database.holder() is None:
            return None
        return newest(self.folder, since=SystemClock().now() - SAMPLES_S)


@contextmanager
def reading(repo: Path, run: str | None = None) -> Iterator[Reading]:
    """Raises `Refused` where nothing has run yet, and `RepositoryFault` and `StoreFault`."""
    from orchestrator.repo.repository import state_of
    from orchestrator.store import Database

    folder = state_of(repo)
    try:
        database = Database.read(folder)
    except FileNotFoundError:
        raise Refused(f"nothing has run on {repo} yet: `orchestrator run MANIFEST` begins") from None
    try:
        row = database.newest(run)
        if row is None:
            known = f"no run is named {run!r}" if run else "no run has begun"
            raise Refused(f"{known} on {repo}: `orchestrator run MANIFEST` begins one")
        events = tuple(database.events_of(row.id))
        state = State.replay(events)
        yield Reading(place=repo, folder=folder, database=database, row=row, state=state, events=events)
    finally:
        database.close()
