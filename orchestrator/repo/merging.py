"""A merge made in the object database, without any checkout, and what to say of one that does not go through.

Chooses no side, ever: whatever git does not merge by itself is a conflict with evidence. Does not know what lands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from io import BytesIO
from shutil import which
from typing import IO

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct, replace
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import OURSELVES
from orchestrator.repo.target import TargetCommit, commits
from orchestrator.repo.worktrees import Worktree

_SHOWN = 40
"""Paths, at most, in the evidence: it becomes an agent's prompt."""


_BY_LINES = "git merge-file --quiet %A %O %B || exit 1"
_SETTINGS = {
    "merge.default": "",
    "merge.directoryRenames": "conflict",
    "merge.renames": "true",
    "merge.renameLimit": "7000",
    "merge.renormalize": "false",
    "merge.union.driver": _BY_LINES,
    "core.attributesFile": "/dev/null",
    "attr.tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
}
"""What a person has set for merges that they look at themselves must not decide one that nobody looks at.

The tree is the empty one: newer versions of git read attributes from HEAD where there is no checkout.
"""
_DRIVER = re.compile(r"\bmerge=([^\s#]+)")


class Clash(Struct, frozen=True, kw_only=True):
    """What git says of one conflict, such as `CONFLICT (modify/delete)`, and the paths that it is about."""

    kind: str
    paths: tuple[str, ...]
    said: str


class Clashes(Struct, frozen=True, kw_only=True):
    paths: tuple[str, ...]
    """Every path that is left without one content."""
    clashes: tuple[Clash, ...]


def merge(git: Git, place: Place, ours: Commit, theirs: Commit) -> Tree | Clashes:
    """The tree of both, or what stands against it. No attribute has a say in it, and no setting of the person's."""
    neutral = replace(git, settings={**git.settings, **_SETTINGS, **_drivers(place)})
    asked = ("merge-tree", "--write-tree", "--messages", "--name-only")
    env = {"GIT_ATTR_NOSYSTEM": "1"}
    try:
        if around := _unbuffered():
            words = f"{ours} {theirs}\n".encode()
            return neutral.ask(place, *asked, "--stdin", words=words, answer=_heard, env=env, around=around)
        merged = neutral(place, *asked, "-z", ours, theirs, codes=(0, 1), env=env)
        return _heard(BytesIO(f"{int(merged.code == 0)}\0".encode() + merged.out + b"\0"))
    except GitRefused as refusal:
        if "unrelated histories" not in refusal.said:
            raise
        said = "the work shares no commit with the target: it was begun anew, or its history was rewritten"
        return Clashes(paths=(), clashes=(Clash(kind="unrelated histories", paths=(), said=said),))


@cache
def _unbuffered() -> tuple[str, ...]:
    """What has git say what it has at once: it does so by itself only at its end. Empty: there is no such program."""
    return ("stdbuf", "-o0") if which("stdbuf") else ()


def _heard(said: IO[bytes]) -> Tree | Clashes:
    """Whether it is clean, the tree, the paths in conflict, and after an empty field the messages, up to another."""
    clean, tree = _field(said), _field(said)
    paths = tuple(dict.fromkeys(_until_empty(said)))
    fields: list[str] = []
    while (count := _field(said)).isdigit():  # what git advises of submodules comes last, and ends with the answer
        fields += [count, *(_field(said) for _ in range(int(count) + 2))]
    return Tree(tree) if clean == "1" else Clashes(paths=paths, clashes=tuple(_clashes(fields)))


def _until_empty(said: IO[bytes]) -> Iterable[str]:
    while field := _field(said):
        yield field


def _field(said: IO[bytes]) -> str:
    """Up to the next NUL. Raises `EOFError`."""
    read = bytearray()
    while (byte := said.read(1)) != b"\0":
        if not byte:
            raise EOFError
        read += byte
    return read.decode("utf-8", "backslashreplace")


def _drivers(place: Place) -> Mapping[str, str]:
    """Merge line by line what `info/attributes`, which cannot be left out, gives to a driver that may choose a side."""
    try:
        text = (place.git_dir / "info" / "attributes").read_text(errors="replace")
    except OSError:
        return {}
    return {f"merge.{name}.driver": _BY_LINES for name in _DRIVER.findall(text) if name != "binary"}


def _clashes(fields: Sequence[str]) -> Iterable[Clash]:
    """Each message is the number of its paths, the paths, its kind, and itself."""
    at = 0
    while at < len(fields) and fields[at].isdigit():
        count = int(fields[at])
        paths, kind, said = fields[at + 1 : at + 1 + count], fields[at + 1 + count], fields[at + 2 + count]
        # "Auto-merging" and the like are no conflicts.
        if kind.startswith("CONFLICT") or "conflict" in said.lower():
            yield Clash(kind=kind, paths=tuple(paths), said=said.strip())
        at += 3 + count


_IN_THE_MIDDLE = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
"""Of what git begins no merge."""


def begin_merge(git: Git, worktree: Worktree, target: str) -> None:
    """Merge the target into a worktree at rest, and leave it to whoever works there to resolve and conclude.

    HEAD is the bead's work, so that what is left undecided is still a conflict when it is merged the other way. Begun
    once: what an earlier attempt has left in the middle is gone on with. One that git refuses to begin, because a file
    that nobody knows is in the way, is the agent's to begin: it is told that there may be none.
    """
    if any((worktree.admin / name).exists() for name in _IN_THE_MIDDLE):
        return
    # Attributes stay: files are checked out by them. Which side wins is not theirs to say here either.
    settings = {name: value for name, value in _SETTINGS.items() if name.startswith("merge.")}
    named = git(worktree.place, "config", "--name-only", "--get-regexp", r"^merge\..*\.driver$", codes=(0, 1)).text
    settings |= {"rerere.enabled": "false", **dict.fromkeys(named.split("\n") if named else (), _BY_LINES)}
    neutral = replace(git, settings={**git.settings, **settings})
    asked = ("merge", "--quiet", "--no-commit", "--no-ff", "--allow-unrelated-histories", f"heads/{target}")
    env = {**OURSELVES.as_author(None), **OURSELVES.as_committer()}
    neutral(worktree.place, *asked, codes=(0, 1, 2), env=env)


def evidence(
    git: Git, place: Place, target: str, tip: Commit, commit: Commit, found: Clashes
) -> tuple[str, tuple[BeadId, ...]]:
    """What an agent has to know to resolve it: which files, how they clash, and whose work they clash with."""
    lines: list[str] = []
    beads: dict[BeadId, None] = {}
    for clash in found.clashes[:_SHOWN]:
        lines.append(f"- {clash.said or clash.kind}")
    named = {path for clash in found.clashes[:_SHOWN] for path in clash.paths}
    lines += [f"- {path}: in conflict" for path in found.paths[:_SHOWN] if path not in named]
    if len(found.paths) > _SHOWN:
        lines.append(f"- and {len(found.paths) - _SHOWN} more paths")
    if found.paths:
        # Of a rename, the message names the sides that the list of paths does not.
        touched = [f":(literal,top){path}" for path in dict.fromkeys((*found.paths, *sorted(named)))]
        whose = _owners(commits(git, place, commit, tip))
        # One further back than they part: git takes a merge whose first parent it need not show for a change of none.
        met = git(place, "merge-base", commit, tip).text.split("\n")[0]
        for landed in commits(git, place, None, tip, "--not", f"{met}^@", "--", *touched):
            if landed.commit not in whose:
                continue
            by = whose[landed.commit]
            beads |= dict.fromkeys(by)
            lines.append(f"Landed meanwhile, and touches these files: {_by(by)}{landed.commit} {landed.subject}")
    lines.append(f"{target} is at {tip}.")
    return "\n".join(lines), tuple(beads)


def _owners(line: Iterable[TargetCommit]) -> Mapping[Commit, tuple[BeadId, ...]]:
    """Whose each commit is, as far as the messages say: of what landed as several commits, the last one names it."""
    owners: dict[Commit, tuple[BeadId, ...]] = {}
    by: tuple[BeadId, ...] = ()
    for each in line:
        by = each.beads or by
        owners[each.commit] = by
    return owners


def _by(beads: tuple[BeadId, ...]) -> str:
    return f"bead {', '.join(beads)}, commit " if beads else "commit "
