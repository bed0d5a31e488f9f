"""The walls around a session: which folders it can write to, and which it can only read.

Does not know how they are put up, nor whether this machine can.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.repo import worktrees
from orchestrator.repo.desk import Run
from orchestrator.repo.repository import main_checkout
from orchestrator.runtime.confinement import Walls


def walls_around(run: Run, worktree: Path | None) -> Walls:
    """All that is somebody else's can be read and not written; what git itself needs of it can."""
    repository = run.repository
    common, mounts = repository.common_dir, []
    checkouts = [found.path for found in worktrees.persons(repository)]
    for checkout in dict.fromkeys([*filter(None, [repository.checkout]), main_checkout(repository), *checkouts]):
        if checkout.is_dir() and checkout != common:
            mounts.append((checkout, False))
    mounts.append((common, True))
    mounts += [(common / name, False) for name in ("hooks", "info") if (common / name).is_dir()]
    if run.folder.is_dir():
        mounts.append((run.folder, False))
    if worktree is not None:
        mounts.append((worktree, True))
    return Walls(mounts=tuple(mounts))
