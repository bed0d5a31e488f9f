"""Taking away worktrees that no run is at work in, after all that they hold is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.app.clock import SystemClock
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState
from orchestrator.core.state import State
from orchestrator.runtime.ports import Marks


def clean(repo: Path, *, really: bool) -> Iterator[str]:
    """Remove our worktrees where nobody is at work, after keeping what they hold; says each."""
    from orchestrator.repo import survey
    from orchestrator.repo.repository import open_repository
    from orchestrator.repo.workspaces import GitWorkspaces
    from orchestrator.sessions.commands import ShellCommands
    from orchestrator.sessions.sessions import PtySessions
    from orchestrator.store import Database

    repository = open_repository(repo)
    if not really:
        for worktree in survey.own_worktrees(repository):
            yield f"would keep what is in {worktree.path} in the attic, and remove it"
        return
    database = Database.write(repository.state)
    try:
        marks = Marks(repository=str(repository.state))
        PtySessions(marks, repository.state / "recordings", SystemClock()).sweep()
        for worktree in survey.own_worktrees(repository):
            label = worktree.label
            row = database.newest(label.run) if label else None
            if label is None or row is None or not label.bead:
                yield f"left alone, because no run knows it: {worktree.path}"
                continue
            state = State.replay(database.events_of(row.id))
            record = state.beads.get(BeadId(label.bead))
            workspaces = GitWorkspaces(
                repository=repository,
                run_name=label.run,
                target=state.manifest.target,
                base=state.manifest.base,
                worktrees=worktree.path.parent.parent,
                commands=ShellCommands(marks),
                logs=repository.state / "logs" / "checks",
            )
            workspaces.start()
            landed = record is not None and record.state is BeadState.DONE
            workspaces.clear(m.Clear(bead=BeadId(label.bead), number=label.number, landed=landed))
            workspaces.close()
            yield f"kept in the attic, and removed: {worktree.path}"
    finally:
        database.close()
