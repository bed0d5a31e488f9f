"""A merge made in the object database, without any checkout, and what to say of one that does not go through.

Chooses no side, ever: whatever git does not merge by itself is a conflict with evidence. Does not know what lands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.target import commits

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """What git says of one conflict, such as `CONFLICT (modify/delete)`, and the paths that it is about."""

    kind: str
    paths: tuple[str, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clashes:
    paths: tuple[str, ...]
    """Every path that is left without one content."""
    clashes: tuple[Clash, ...]


def merge(git: Git, place: Place, ours: Commit, theirs: Commit) -> Tree | Clashes:
    """The tree of both, or what stands against it. No attribute has a say in it, and no setting of the person's."""
    asked = ("merge-tree", "--write-tree", "--messages", "--name-only", "-z", ours, theirs)
    neutral = replace(git, settings={**git.settings, **_SETTINGS, **_drivers(place)})
    merged = neutral(place, *asked, codes=(0, 1, 128), env={"GIT_ATTR_NOSYSTEM": "1"})
    if merged.code == 128:
        if "unrelated histories" not in merged.err:
            raise GitRefused(("merge-tree", ours, theirs), merged.code, merged.err)
        said = "the work shares no commit with the target: it was begun anew, or its history was rewritten"
        return Clashes(paths=(), clashes=(Clash(kind="unrelated histories", paths=(), said=said),))
    fields = [field.decode("utf-8", "backslashreplace") for field in merged.out.split(b"\0")]
    if merged.code == 0:
        return Tree(fields[0])
    end = fields.index("", 1)
    return Clashes(paths=tuple(dict.fromkeys(fields[1:end])), clashes=tuple(_clashes(fields[end + 1 :])))


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


def evidence(git: Git, place: Place, target: str, tip: Commit, commit: Commit, found: Clashes) -> str:
    """What an agent has to know to resolve it: which files, how they clash, and whose landed work they clash with."""
    lines = []
    for clash in found.clashes[:_SHOWN]:
        lines.append(f"- {clash.said or clash.kind}")
    named = {path for clash in found.clashes[:_SHOWN] for path in clash.paths}
    lines += [f"- {path}: in conflict" for path in found.paths[:_SHOWN] if path not in named]
    if len(found.paths) > _SHOWN:
        lines.append(f"- and {len(found.paths) - _SHOWN} more paths")
    if found.paths:
        # Of a rename, the message names the sides that the list of paths does not.
        touched = [f":(literal,top){path}" for path in dict.fromkeys((*found.paths, *sorted(named)))]
        for landed in commits(git, place, commit, tip, "--", *touched):
            lines.append(
                f"Landed meanwhile, and touches these files: {_by(landed.beads)}{landed.commit} {landed.subject}"
            )
    lines.append(f"{target} is at {tip}.")
    return "\n".join(lines)


def _by(beads: tuple[BeadId, ...]) -> str:
    return f"bead {', '.join(beads)}, commit " if beads else "commit "
