"""Spares: worktrees whose bead is settled, put by for the next one, which then costs a checkout of the difference.

All that was in one is kept elsewhere before it comes here. What the next bead finds is its own commit and nothing else:
no file of the last one, ignored or not, and nothing that git noted of it. Whatever is out of the ordinary about a
worktree's own git folder is not mended: such a worktree is no spare.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo import worktrees
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.hidden import hidden
from orchestrator.repo.plumbing import Git
from orchestrator.repo.whole import put
from orchestrator.repo.worktrees import Worktree

_FOLDER = ".spare-"
_KEPT = frozenset({"HEAD", "commondir", "gitdir", "index", "locked", worktrees.MARKER, worktrees.SPARE})
_OF_A_PART = frozenset({"config.worktree", "info"})
"""What git puts there for a worktree that has a part of the tree (sparse checkout)."""
_FORGOTTEN = frozenset(
    {"logs", "ORIG_HEAD", "FETCH_HEAD", "COMMIT_EDITMSG", "AUTO_MERGE", "refs", worktrees.DEPENDENCIES}
)
"""What git notes in passing, and is of no use to whoever comes next."""


class Spares(Struct, frozen=True, kw_only=True):
    run: Run
    most: int
    """How many are kept: as many as can be at work at once."""

    @property
    def reason(self) -> str:
        return worktrees.spare_of(self.run.name)

    def all(self) -> list[Worktree]:
        return list(worktrees.locked_for(self.run.repository, self.reason))

    def put_by(self, git: Git, worktree: Worktree, head: Commit) -> bool:
        """Make a spare of it, if it is fit for that. False: it is as it was, and is to be removed."""
        if worktree.path.parent != self.run.folder or len(self.all()) >= self.most or not self._is_plain(git, worktree):
            return False
        worktrees.mend(worktree)
        # From here on it is no bead's, whatever happens.
        (worktree.admin / worktrees.SPARE).touch()
        (worktree.admin / worktrees.MARKER).unlink(missing_ok=True)
        put(worktree.admin / "locked", f"{self.reason}\n")
        worktrees.detach(worktree, head)
        for name in _FORGOTTEN:
            worktrees.discard(worktree.admin / name)
        _move(worktree, self.run.folder / f"{_FOLDER}{worktree.admin.name}")
        return True

    def take(self, path: Path, *, branch: str, reason: str) -> Worktree | None:
        """One of them, for another bead: its files are still the last one's until `worktrees.fill` has been there."""
        for found in self.all():
            if not found.path.is_dir() or path.exists() or not self._is_the_same_part(found):
                continue
            put(found.admin / "locked", f"{reason}\n")
            _move(found, path)
            taken = worktrees.worktree_at(self.run.repository, path)
            if taken is not None:
                worktrees.set_head(taken, branch)
                return taken
        return None

    def remove_all(self) -> None:
        """One that cannot be removed keeps no other."""
        try:
            worktrees.remove_all(self.run.repository, self.all())
        finally:
            self.remove_orphans()

    def remove_orphans(self) -> None:
        """What a death has left of one that was just being taken: a registration for a bead that it never came to, or a
        folder without any."""
        for found in list(worktrees.registered(self.run.repository)):
            is_here = found.path.parent == self.run.folder and found.path.name.startswith(_FOLDER)
            if is_here and (found.is_ours or not found.reason) and found.reason != self.reason:
                worktrees.remove(self.run.repository, found, found.path)
        known = {found.path for found in self.all()}
        for folder in self.run.folder.glob(f"{_FOLDER}*"):
            if folder not in known:
                worktrees.remove(self.run.repository, None, folder)

    def _is_the_same_part(self, worktree: Worktree) -> bool:
        """Of the tree, as a new worktree would be: as in the checkout that the repository was made with."""
        return _part(worktree.admin) == _part(self.run.repository.common_dir)

    def _is_plain(self, git: Git, worktree: Worktree) -> bool:
        """Nothing about it would outlast a reset: no submodules, no settings of its own, no rebase, no hidden files."""
        link = worktree.path / ".git"
        if link.is_symlink() or not link.is_file() or (worktree.path / ".gitmodules").exists():
            return False
        names = set(os.listdir(worktree.admin))
        with suppress(OSError):
            if any((worktree.admin / "refs").rglob("*")):
                return False
        if _OF_A_PART & names and self._is_the_same_part(worktree):
            names -= _OF_A_PART
        if not names <= _KEPT | _FORGOTTEN or not _is_whole(worktree.admin):
            return False
        try:
            return not hidden(git, worktree.place)
        except GitRefused:
            return False


def _is_whole(admin: Path) -> bool:
    """It still leads to the repository, where git puts it. What else is in there is written anew, or read by git."""
    with suppress(OSError):
        return (admin / "commondir").read_bytes().rstrip(b"\n") == b"../.."
    return False


def _part(git_dir: Path) -> tuple[bytes, ...]:
    """Which part of the tree is checked out there, as git writes it down."""
    said = []
    for name in ("config.worktree", "info/sparse-checkout"):
        file = git_dir / name
        said.append(file.read_bytes() if file.is_file() and not file.is_symlink() else b"")
    return tuple(said)


def _move(worktree: Worktree, path: Path) -> None:
    """First in git's books: a death in between leaves a folder that nothing names, and never a worktree of a bead."""
    put(worktree.admin / "gitdir", os.fsencode(path / ".git") + b"\n")
    worktree.path.rename(path)
