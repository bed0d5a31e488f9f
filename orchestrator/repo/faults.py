"""Whose fault it is when git refuses, and what to do about it.

Knows the words of git and of the kernel. Does not know what was being done when they were said.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.runtime.ports import WorkspaceFault


class RepositoryFault(Exception):
    """The repository, as it was given, cannot be worked with. Its message says why, and what to do."""


class GitRefused(Exception):
    """A git command ended with a code that its caller did not expect."""

    def __init__(self, argv: tuple[str, ...], code: int, said: str) -> None:
        self.argv, self.code, self.said = argv, code, said.strip()
        super().__init__(f"`git {' '.join(argv)}` ended with {code}: {self.said or 'without a word'}")


class RefMoved(GitRefused):
    """A ref was not where the update expected it: somebody else moved, made or removed it."""


_ANSWERS = (
    (
        re.compile(r"commit-tree -S|gpg failed to sign|failed to sign|commit-tree` ended with -9", re.I),
        "git signs here (`commit.gpgsign`), and could not: unlock the key, then retry; nothing lands unsigned",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.I),
        "the disk is full: make room, then retry; nothing was removed",
    ),
    (
        re.compile(r"read-only file system", re.I),
        "the file system is read-only: mount it writable, then retry; nothing was removed",
    ),
    (
        re.compile(r"unable to create '(?P<what>[^']+\.lock)'", re.I),
        "another git is at work, or died and left its lock: when none runs there, delete {what}, then retry",
    ),
    (
        re.compile(r"permission denied|insufficient permission|operation not permitted", re.I),
        "files there are not ours to read or write: give this user the right to them, then retry",
    ),
    (
        re.compile(r"dubious ownership", re.I),
        "the repository belongs to another user: run as that user, or `git config --global --add safe.directory` it",
    ),
    (
        re.compile(
            r"index file (?:corrupt|smaller)|bad (?:index file|signature)|index file open failed|loose object"
            r" .* corrupt|unable to read (?:tree|sha1)|not a valid object|bad object"
            r"|object file .* is empty|missing blob",
            re.I,
        ),
        "git's own data are damaged there: `git fsck` names what; nothing was removed",
    ),
    (
        re.compile(r"git-lfs.*not found|'lfs' is not a git command", re.I),
        "this repository has files that Git LFS keeps, and git-lfs is not installed: install it, then retry",
    ),
    (
        re.compile(r"transport 'file' not allowed|submodule", re.I),
        "a submodule cannot be fetched: `git submodule update --init` in a clone of one's own shows why",
    ),
)


def explained(said: str) -> str:
    """What git or the kernel said, followed by what to do where that is known."""
    for pattern, answer in _ANSWERS:
        if found := pattern.search(said):
            return f"{said}\n{answer.format(**found.groupdict())}"
    return said


@contextmanager
def as_workspace_fault(doing: str) -> Iterator[None]:
    """Turn what git and the disk refuse into the one exception of the port."""
    try:
        yield
    except GitRefused as refusal:
        raise WorkspaceFault(f"{doing}: {explained(str(refusal))}") from refusal
    except OSError as refusal:
        said = str(refusal)
        if refusal.errno == errno.EROFS:
            said += " (read-only file system)"
        raise WorkspaceFault(f"{doing}: {explained(said)}") from refusal
