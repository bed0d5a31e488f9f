"""Files that Git LFS keeps elsewhere: a tree has pointers to them, and its filter puts the files in their place.

Knows the form of a pointer, and how to have the files fetched. Does not know for whom.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository
from orchestrator.runtime.ports import WorkspaceFault

_POINTER = b"version https://git-lfs.github.com/spec/"


def is_used(top: Path) -> bool:
    """By what stands at the top of the tree: without a process, because nearly no repository has any."""
    try:
        return b"filter=lfs" in (top / ".gitattributes").read_bytes()
    except OSError:
        return False


def pointers(git: Git, place: Place) -> tuple[str, ...]:
    """The files of which there is only a pointer."""
    assert place.work_tree is not None
    names = git(place, "ls-files", "-z", "--", ":(attr:filter=lfs)").out.split(b"\0")
    return tuple(os.fsdecode(name) for name in names if name and _is_pointer(place.work_tree / os.fsdecode(name)))


def resolve(git: Git, place: Place) -> None:
    """Have the files there. Where git-lfs is not set up they stay pointers: that was said when the run began.

    Raises `WorkspaceFault` where they cannot be fetched.
    """
    assert place.work_tree is not None
    if not is_used(place.work_tree) or _is_missing(git, place) or not pointers(git, place):
        return
    try:
        git(None, "lfs", "pull", cwd=place.work_tree)
    except GitRefused as refused:
        raise WorkspaceFault(f"files that Git LFS keeps could not be fetched: {refused.said}") from refused
    if left := pointers(git, place):
        raise WorkspaceFault(f"Git LFS left pointers in the place of files: {_some(left)}")


def warning(repository: Repository) -> str:
    """What a person is to know of them before a run; empty: all is well, or there are none."""
    checkout = repository.checkout
    if checkout is None or not is_used(checkout):
        return ""
    place = Place(git_dir=repository.git_dir, work_tree=checkout)
    if not (missing := _is_missing(Git(), place)):
        return ""
    names = os.fsdecode(Git()(place, "ls-files", "-z", "--", ":(attr:filter=lfs)").out).split("\0")
    kept = tuple(name for name in names if name)
    if not kept:
        return ""
    return (
        f"Git LFS keeps {_some(kept)}, and {missing}: agents and checks find pointers in their place, unless no bead "
        "needs these files"
    )


def _is_missing(git: Git, place: Place) -> str:
    """What is; without its filters, a file that was fetched would be committed in the place of its pointer."""
    if shutil.which("git-lfs") is None:
        return "git-lfs is not installed (nor `git lfs install` run)"
    if git(place, "config", "--get", "filter.lfs.clean", codes=(0, 1)).code:
        return "git-lfs is not set up (`git lfs install` does it)"
    return ""


def _is_pointer(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
