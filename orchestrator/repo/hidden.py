"""Files at which git was told not to look: what is in them, no `git status` and no `git add` shows.

Does not know who told it, nor why.
"""

from __future__ import annotations

import os

from orchestrator.repo.index_file import may_hide
from orchestrator.repo.plumbing import Git, Place


def hidden(git: Git, place: Place) -> tuple[bytes, ...]:
    """Those that `update-index --assume-unchanged` or `--skip-worktree` named; without what is not there because only a
    part of the tree is checked out. Mostly answered without a process. Raises `GitRefused`.
    """
    assert place.work_tree is not None
    if not may_hide(place.index or place.git_dir / "index"):
        return ()
    top = os.fsencode(place.work_tree)
    rows = git(place, "ls-files", "-v", "-z").out.split(b"\0")
    tagged = ((row[:1], row[2:]) for row in rows if row)
    return tuple(path for tag, path in tagged if tag.islower() or (tag == b"S" and os.path.lexists(top + b"/" + path)))


def reveal(git: Git, place: Place) -> None:
    """Have git look at them again, by the index of `place`, which is no worktree's own."""
    assert place.index is not None
    if found := hidden(git, place):
        for flag in ("--no-assume-unchanged", "--no-skip-worktree"):  # of two at once, git heeds one
            git(place, "update-index", "-z", flag, "--stdin", stdin=b"\0".join(found) + b"\0")
