"""Taking away worktrees that no run is at work in, after all that they hold is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.clock import SystemClock
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState
from orchestrator.core.state import State
from orchestrator.runtime.ports import Marks

if TYPE_CHECKING:
    from orchestrator.store import RunRow


def clean(repo: Path, *, really: bool) -> Iterator[str]:
    """Remove our worktrees where nobody is at work, after keeping what they hold; says each."""
    from orchestrator.repo import survey
    from orchestrator.repo.repository import open_repository, worktrees_folder
    from orchestrator.repo.workspaces import GitWorkspaces
    from orchestrator.sessions.commands import ShellCommands
    from orchestrator.sessions.sessions import PtySessions
    from orchestrator.store import Database

    repository = open_repository(repo)
    if not really:
        for worktree in survey.own_worktrees(repository):
            yield f"would keep what is in {worktree.path} in the attic, and remove it"
        there = {(one.label.run, one.label.bead) for one in survey.own_worktrees(repository) if one.label}
        for run, bead in survey.checkpoints(repository):
            if (run, bead) not in there:
                yield f"would keep the checkpoint of {bead} in {run} in the attic, and remove it"
        return
    database = Database.write(repository.state)
    marks = Marks(repository=str(repository.state))

    def clear(row: RunRow, bead: BeadId, number: int | None, folder: Path) -> None:
        state = State.replay(database.events_of(row.id))
        record = state.beads.get(bead)
        workspaces = GitWorkspaces(
            repository=repository,
            run_name=state.manifest.name,
            target=state.manifest.target,
            base=state.manifest.base,
            worktrees=folder,
            commands=ShellCommands(marks),
            logs=repository.state / "logs" / "checks",
        )
        workspaces.start()
        landed = record is not None and record.state is BeadState.DONE
        number = number or (record.number if record else 0)
        workspaces.clear(m.Clear(bead=bead, number=number, landed=landed))
        workspaces.close()

    try:
        PtySessions(marks, repository.state / "recordings", SystemClock()).sweep()
        for worktree in survey.own_worktrees(repository):
            label = worktree.label
            row = database.newest(label.run) if label else None
            if label is None or row is None or not label.bead:
                yield f"left alone, because no run knows it: {worktree.path}"
                continue
            clear(row, BeadId(label.bead), label.number, worktree.path.parent.parent)
            yield f"kept in the attic, and removed: {worktree.path}"
        for run, bead in survey.checkpoints(repository):  # their worktrees are gone
            row = database.newest(run)
            if row is None:
                yield f"left alone, because no run knows it: the checkpoint of {bead} in {run}"
                continue
            clear(row, bead, None, worktrees_folder(repository, None, None))
            yield f"kept in the attic, and removed: the checkpoint of {bead} in {run}"
    finally:
        database.close()
