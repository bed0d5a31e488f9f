"""What a fresh worktree needs beside its files: submodules, what Git LFS keeps, what `.worktreeinclude` lists, and
folders of dependencies.

Does not know for which bead.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.repo import lfs
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository
from orchestrator.repo.templates import Make, Templates
from orchestrator.repo.worktrees import Worktree

INCLUDE = ".worktreeinclude"


def initialise_submodules(git: Git, worktree: Worktree) -> None:
    """Check them out. Raises `GitRefused`, for instance where the person's configuration allows no `file` protocol.

    Without `--init`, which would write the person's configuration: all count as active for this one command.
    """
    if not (worktree.path / ".gitmodules").is_file():
        return
    git(
        None, "-c", "submodule.active=.", "submodule", "--quiet", "update", "--recursive", "--force",
        cwd=worktree.path,
    )  # fmt: skip


def included(git: Git, repository: Repository) -> tuple[Path, ...]:
    """Files of the person's checkout that git ignores and `.worktreeinclude` lists (gitignore syntax), relative."""
    checkout = repository.checkout
    if checkout is None or not (checkout / INCLUDE).is_file():
        return ()
    import pathspec

    wanted = pathspec.GitIgnoreSpec.from_lines((checkout / INCLUDE).read_text(errors="replace").splitlines())
    place = Place(git_dir=repository.git_dir, work_tree=checkout)
    listed = git(place, "ls-files", "--others", "--ignored", "--exclude-standard", "-z").out.split(b"\0")
    names = (os.fsdecode(name) for name in listed if name)
    return tuple(Path(name) for name in names if wanted.match_file(name))


@dataclass(slots=True, kw_only=True)
class Furnishing:
    """What every worktree of a run gets. What is in the person's checkout is listed once, at the first worktree."""

    git: Git
    repository: Repository
    templates: Templates
    _names: tuple[Path, ...] | None = field(default=None, init=False)

    def bring(self, worktree: Worktree, make: Make) -> None:
        """Raises `GitRefused`, `OSError` and `WorkspaceFault`."""
        initialise_submodules(self.git, worktree)
        lfs.resolve(self.git, worktree.place)
        self._include(worktree.path)
        self.templates.bring(worktree, make)

    def _include(self, worktree: Path) -> None:
        """Never over a file that is there, and never through a link: what is in a worktree is an agent's doing."""
        if self._names is None:
            self._names = included(self.git, self.repository)
        top = worktree.resolve()
        for name in self._names:
            source, copy = (self.repository.checkout or Path()) / name, worktree / name
            if copy.is_symlink() or copy.exists() or not (source.is_file() or source.is_symlink()):
                continue
            if not copy.parent.resolve().is_relative_to(top):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
