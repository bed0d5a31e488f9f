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
    from orchestrator.repo.repository import Repository
    from orchestrator.store import RunRow


def clean(repo: Path, *, recordings_older_s: float | None = None, really: bool) -> Iterator[str]:
    """Free what can be had again, where nobody is at work: worktrees, after keeping what they hold, and templates; says
    each. Recordings and the logs of checks are nowhere else: they go by age, and only where that is said."""
    from orchestrator.repo import survey, worktrees
    from orchestrator.repo.repository import open_repository, worktrees_folder
    from orchestrator.repo.workspaces import GitWorkspaces
    from orchestrator.sessions.commands import ShellCommands
    from orchestrator.sessions.sessions import PtySessions
    from orchestrator.store import Database

    repository = open_repository(repo)
    if not really:
        for worktree in survey.own_worktrees(repository):
            if worktrees.holds_no_work(worktree):
                yield f"would remove {worktree.path}, in which is nobody's work"
                continue
            yield f"would keep what is in {worktree.path} in the attic, and remove it"
        there = {(one.label.run, one.label.bead) for one in survey.own_worktrees(repository) if one.label}
        for run, bead in survey.checkpoints(repository):
            if (run, bead) not in there:
                yield f"would keep the checkpoint of {bead} in {run} in the attic, and remove it"
        for what, paths in _spendable(repository, recordings_older_s):
            yield f"would remove {what}: {_size(paths)}"
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
            if worktrees.holds_no_work(worktree):
                worktrees.remove(repository, worktree, worktree.path)
                yield f"removed: {worktree.path}, in which was nobody's work"
                continue
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
        for what, paths in _spendable(repository, recordings_older_s):
            size = _size(paths)
            for path in paths:
                worktrees.discard(path)
            yield f"removed {what}: {size}"
    finally:
        database.close()


def _spendable(repository: Repository, recordings_older_s: float | None) -> Iterator[tuple[str, list[Path]]]:
    """What is there besides worktrees, by what it is."""
    from orchestrator.repo import templates

    if made := templates.all_of(repository.state):
        yield "templates of dependencies, which are made again when they are needed", made
    if recordings_older_s is None:
        return
    until = SystemClock().now() - recordings_older_s
    for what, folder in (("recordings", "recordings"), ("logs of checks", "logs/checks")):
        place = repository.state / folder
        old = [path for path in sorted(place.iterdir()) if path.lstat().st_mtime <= until] if place.is_dir() else []
        if old:
            yield f"{len(old)} {what}", old


def _size(paths: list[Path]) -> str:
    """On the disk; what several links share counts for the first."""
    seen: dict[tuple[int, int], int] = {}
    for top in paths:
        for path in (top, *top.rglob("*")) if top.is_dir() and not top.is_symlink() else (top,):
            found = path.lstat()
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return f"{sum(seen.values()) / 2**20:.1f} MiB"
