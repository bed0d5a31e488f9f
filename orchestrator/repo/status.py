"""What `git status` says of a worktree: where its HEAD is, and which paths differ from it and how.

Writes nothing, and looks also while somebody works there. Does not know whose doing a difference is.
"""

from __future__ import annotations

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo.plumbing import Git, Place

_FIELDS = {b"1": 7, b"u": 9, b"?": 0}
"""How many words stand between the kind of an entry and its path. Renames are not looked for."""


class Entry(Struct, frozen=True, kw_only=True):
    path: bytes
    kind: bytes
    """`1`: it differs from HEAD; `u`: it is unmerged; `?`: it is new."""
    about: tuple[bytes, ...]
    """What git-status(1) lists between them, beginning with `XY`: how the index and the file differ; `?`: nothing."""


class Status(Struct, frozen=True, kw_only=True):
    head: Commit | None
    """None: there is no commit yet."""
    entries: tuple[Entry, ...]
    warned: str
    """What git could not look into, say: then a path may differ that is not among them."""

    @property
    def is_clean(self) -> bool:
        return not self.entries and not self.warned


def status(git: Git, place: Place, *, persons: bool = False) -> Status:
    """Of submodules only where their HEAD is; `persons`: as the person has them looked at.

    For that a git goes by their own configuration, in which an agent can have named a program. Raises `GitRefused`.
    """
    asked = ("--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--no-renames", "--untracked-files=all")
    said = git(place, "status", *asked, *(() if persons else ("--ignore-submodules=dirty",)))
    head, entries = None, []
    for row in filter(None, said.out.split(b"\0")):
        kind, _, rest = row.partition(b" ")
        if kind in _FIELDS:
            *about, path = rest.split(b" ", _FIELDS[kind])
            entries.append(Entry(path=path, kind=kind, about=tuple(about)))
        elif rest.startswith(b"branch.oid ") and not rest.endswith(b" (initial)"):
            head = Commit(rest.split(b" ")[1].decode())
    return Status(head=head, entries=tuple(entries), warned=said.err)
