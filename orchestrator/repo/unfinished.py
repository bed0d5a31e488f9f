"""Merges and rebases that an agent began in its worktree and did not conclude.

Reads what git notes of them in the worktree's own folder. Does not resolve anything; it only says what is undecided.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo.plumbing import Git, Place

_MERGE_NOTES = ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE")


class Unfinished(Struct, frozen=True, kw_only=True):
    merging: tuple[Commit, ...] = ()
    """What is being merged into HEAD."""
    rebasing: bool = False
    undecided: tuple[bytes, ...] = ()
    """Paths in conflict that nobody has resolved: markers are left in them, or they never had any."""


def unfinished(git: Git, place: Place, *, is_index_lost: bool = False) -> Unfinished:
    """Where the index is lost that told which paths are in conflict, a merge or rebase counts as undecided."""
    notes = place.git_dir / "MERGE_HEAD"
    merging = tuple(Commit(line) for line in notes.read_text().split()) if notes.is_file() else ()
    rebasing = any((place.git_dir / name).is_dir() for name in ("rebase-merge", "rebase-apply"))
    if not merging and not rebasing:
        return Unfinished()
    undecided = (b"index",) if is_index_lost else tuple(_undecided(git, place))
    return Unfinished(merging=merging, rebasing=rebasing, undecided=undecided)


def conclude(place: Place) -> None:
    """The merge has become a commit: what git noted of it would lead the next one astray."""
    for name in _MERGE_NOTES:
        (place.git_dir / name).unlink(missing_ok=True)


def _undecided(git: Git, place: Place) -> Iterator[bytes]:
    stages: dict[bytes, set[bytes]] = {}
    for entry in git(place, "ls-files", "--unmerged", "-z").out.split(b"\0"):
        info, _, path = entry.partition(b"\t")
        if path:
            stages.setdefault(path, set()).add(info.split(b" ")[2])
    for path, seen in stages.items():
        # A file that one side has deleted shows no markers: only `git add` or `git rm` can say which side was meant.
        if not {b"2", b"3"} <= seen or not _is_resolved(place, path):
            yield path


def _is_resolved(place: Place, path: bytes) -> bool:
    """A text without markers is one that the agent has been through, though it did not `git add` it."""
    assert place.work_tree is not None
    file = Path(place.work_tree, os.fsdecode(path))
    if file.is_symlink() or not file.is_file():
        return False
    content = file.read_bytes()
    return b"\0" not in content and not any(
        line.startswith((b"<<<<<<< ", b">>>>>>> ")) for line in content.splitlines()
    )
