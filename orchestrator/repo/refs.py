"""The names of our refs, what they point at, and how several of them move at once.

    refs/heads/orchestrator-work/<run>/<bead>    the bead's branch
    refs/orchestrator/base/<run>/<bead>          the commit on which its worktree began
    refs/orchestrator/start/<run>                the commit on which the target began
    refs/orchestrator/attic/<bead>/<number>      what an attempt left; `<number>.2` where that name was taken, and
                                                 `<number>.0` for a checkpoint that held more than its end did
    refs/orchestrator/checkpoints/<run>/<bead>   what its worktree held a moment ago, while an agent works in it
    refs/orchestrator/landed/<target>/<bead>/<task>    the commit as which it landed; `-`: a task without a name
    refs/orchestrator/ground/<target>/<bead>/<task>    where it landed as several commits: what the first stands on
    refs/orchestrator/proposed/<target>/<bead>/<task>  the commit that its own pull request is opened for
    refs/orchestrator/followed/<target>/<commit>    a merge of the base branch into the target

A work branch cannot live below `orchestrator/<run>`, because that is the target, and a ref is a file. Knows nothing
of worktrees.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct
from orchestrator.repo.plumbing import Git, Place

WORK = "refs/heads/orchestrator-work/"
OURS = "refs/orchestrator/"
ATTIC = "refs/orchestrator/attic/"
LANDED = "refs/orchestrator/landed/"
CHECKPOINTS = "refs/orchestrator/checkpoints/"
GROUND = "refs/orchestrator/ground/"
FOLLOWED = "refs/orchestrator/followed/"
PROPOSED = "refs/orchestrator/proposed/"
NOTHING = Commit("0" * 40)
"""The old value of a ref that must not exist yet."""


def quoted(name: str) -> str:
    """`name` as one component of a ref and of a path: `%XX` for what either does not take. Reversible."""
    text = "".join(c if c.isalnum() or c in "-_." else "".join(f"%{b:02X}" for b in c.encode()) for c in name)
    if text.startswith("."):
        text = f"%2E{text[1:]}"
    if text.endswith((".", ".lock")):
        text = text[: text.rindex(".")] + "%2E" + text[text.rindex(".") + 1 :]
    return text.replace("..", "%2E%2E") or "%"


def unquoted(text: str) -> str:
    raw, at = bytearray(), 0
    while at < len(text):
        if text[at] == "%" and len(text) >= at + 3:
            raw.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            raw += b"" if text == "%" else text[at].encode()
            at += 1
    return raw.decode("utf-8", "replace")


def branch_of(run: str, bead: BeadId) -> str:
    return f"{WORK}{quoted(run)}/{quoted(bead)}"


def base_of(run: str, bead: BeadId) -> str:
    return f"{OURS}base/{quoted(run)}/{quoted(bead)}"


def start_of(run: str) -> str:
    return f"{OURS}start/{quoted(run)}"


def checkpoint_of(run: str, bead: BeadId) -> str:
    return f"{CHECKPOINTS}{quoted(run)}/{quoted(bead)}"


def attic_of(bead: BeadId) -> str:
    return f"{ATTIC}{quoted(bead)}/"


def landed_on(target: str) -> str:
    """`target` is the branch's short name."""
    return f"{LANDED}{quoted(target)}/"


def landed_as(target: str, bead: BeadId, task: str) -> str:
    return f"{landed_on(target)}{quoted(bead)}/{quoted(task) if task else '-'}"


def ground_of(target: str, bead: BeadId, task: str) -> str:
    return landed_as(target, bead, task).replace(LANDED, GROUND, 1)


def followed_on(target: str) -> str:
    """`target` is the branch's short name."""
    return f"{FOLLOWED}{quoted(target)}/"


def proposed_as(target: str, bead: BeadId, task: str) -> str:
    return landed_as(target, bead, task).replace(LANDED, PROPOSED, 1)


def what_landed(name: str) -> tuple[BeadId, str]:
    """The bead and the task of a `landed` or `ground` ref."""
    bead, task = name.rsplit("/", 2)[1:]
    return BeadId(unquoted(bead)), "" if task == "-" else unquoted(task)


class Ref(Struct, frozen=True, kw_only=True):
    name: str
    commit: Commit
    tree: Tree
    parents: tuple[Commit, ...] = ()


class Move(Struct, frozen=True, kw_only=True):
    """`old` None: wherever it is; `NOTHING`: it must not exist. `new` None: it goes."""

    name: str
    new: Commit | None
    old: Commit | None = None


def read(
    git: Git, place: Place, *patterns: str, within: Commit | None = None, containing: Commit | None = None
) -> Mapping[str, Ref]:
    """The refs that are, or are below, one of `patterns`, by name, in one process. One that is at no commit is none.

    `within`: only those whose commit is this one, or an ancestor of it; `containing`: this one, or a descendant.
    """
    form = "%(refname) %(objectname) %(tree) %(parent)"
    limits = [f"--merged={within}"] if within else []
    limits += [f"--contains={containing}"] if containing else []
    rows = git(place, "for-each-ref", f"--format={form}", *limits, *patterns).text.split("\n")
    found: dict[str, Ref] = {}
    for name, commit, tree, *parents in (row.split(" ") for row in rows if row.count(" ") > 1):
        kept = tuple(Commit(parent) for parent in parents if parent)
        found[name] = Ref(name=name, commit=Commit(commit), tree=Tree(tree), parents=kept)
    return found


def none_below(git_dir: Path, prefix: str) -> bool:
    """Certainly no ref begins with this, which ends with a slash; by the files that they are kept in.

    `git_dir` is the repository's own. Loose ones first: one that is being packed stays until it is in the other file.
    """
    for _, _, files in os.walk(git_dir / prefix):
        if files:
            return False
    try:
        return prefix.encode() not in (git_dir / "packed-refs").read_bytes()
    except FileNotFoundError:
        return True


def move(git: Git, place: Place, moves: Iterable[Move], *, why: str) -> None:
    """All of them or none. `why`, a word, is what reflogs say. Raises `RefMoved` where one is not at its old value."""
    words, moves = "", tuple(moves)
    for one in moves:
        if one.new is None:
            words += f"delete {one.name}\0{one.old or ''}\0"
        elif one.old == NOTHING:
            words += f"create {one.name}\0{one.new}\0"
        elif one.old is None:
            words += f"update {one.name}\0{one.new}\0\0"
        else:
            words += f"update {one.name}\0{one.new}\0{one.old}\0"
    if not words:
        return
    # What is said between `start` and `commit` is done whole, or, if we die before the last word, not at all.
    asked = f"start\0{words}commit\0".encode()
    ledger = git.ledger
    with ledger.moving(place.git_dir, {one.name: one.new for one in moves}) if ledger else nullcontext():
        git.ask(place, "update-ref", "-m", f"orchestrator: {why}", "--stdin", "-z", words=asked, answer=_committed)


def _committed(said: IO[bytes]) -> None:
    for _ in ("start: ok", "commit: ok"):
        if not said.readline():
            raise EOFError
