"""The state of a worktree as a tree in the object database, made without touching its index, HEAD or files.

Everything that is tracked, and everything that is new and not ignored. Knows nested repositories, whose content
`git add` would leave out. Does not know what becomes of the tree.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from orchestrator.core.model import Commit, Tree
from orchestrator.core.values import Struct, replace
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.hidden import reveal
from orchestrator.repo.index_file import may_link
from orchestrator.repo.objects import tree_named
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.whole import put

_GITLINK = b"160000"
_END = b"end\n"
_NESTED = "orchestrator.nested"
"""In the git folder of a worktree: which repositories it has that its index no longer says are any."""
_UNBORN = re.compile(r"error: '(?P<path>.+)/' does not have a commit checked out", re.M)


class Change(Struct, frozen=True, kw_only=True):
    path: bytes
    kind: str
    """`A`, `M`, `D` or `T`, as `git diff` has it; renames are an `A` and a `D`."""
    mode: str
    """Of the new side."""

    @property
    def shown(self) -> str:
        return self.path.decode("utf-8", "backslashreplace")


class Snapshot(Struct, frozen=True, kw_only=True):
    tree: Tree
    index: Path
    """An index that matches the tree and the files; it lives as long as the `with` block does."""
    nested: tuple[bytes, ...]
    """Folders that are repositories of their own, and were stored as plain files."""
    rebuilt: bool = False
    """The worktree's own index or HEAD is damaged: what the index had noted beside the files is unknown."""


class Fallback(Struct, frozen=True, kw_only=True):
    """What to read a worktree with when its own index or HEAD is damaged."""

    git_dir: Path
    """The one that all worktrees share."""
    commit: Commit | None
    """Its files count as tracked, whatever is ignored now."""


@contextmanager
def snapshot(
    git: Git,
    place: Place,
    *,
    siblings: bool = True,
    whole: bool = False,
    scratch: Path | None = None,
    fallback: Fallback | None = None,
) -> Iterator[Snapshot]:
    """Read the worktree. Raises `GitRefused` when something in it cannot be read: then nothing is known.

    `siblings`: with the files of worktrees that an agent has made inside this one, to work in them by itself.
    `whole`: also what no commit of its agent's would hold: files at which git was told not to look, and those of a
    submodule whose own git folder is in there, and so nowhere else.
    `scratch` is for a folder that has no git folder of its own, and so no index to begin with: it goes by `fallback`.
    """
    # In the git folder of the worktree: the same disk as the index that it may take the place of.
    with tempfile.TemporaryDirectory(prefix="orchestrator-", dir=scratch or place.git_dir) as folder:
        index = Path(folder) / "index"
        own = Place(git_dir=place.git_dir, work_tree=place.work_tree, index=index)
        if scratch is not None and fallback is not None:
            made = _rebuilt(git, own, fallback, siblings=siblings, whole=whole)
        else:
            with suppress(FileNotFoundError):
                # With its times: git tells by them which entries it must not trust.
                shutil.copy2(place.git_dir / "index", index)
            try:
                if whole:
                    reveal(git, own)
                made = _taken(git, own, siblings=siblings, whole=whole)
            except GitRefused:
                if fallback is None:
                    raise
                # Once more without what is the worktree's own. What is wrong with its files is said by this one, too.
                afresh = replace(own, index=index.with_name("index.new"))
                made = _rebuilt(git, afresh, fallback, siblings=siblings, whole=whole)
        yield made


def _taken(git: Git, place: Place, *, siblings: bool, whole: bool) -> Snapshot:
    assert place.index is not None
    nested = tuple(_add_all(git, place, siblings=siblings, whole=whole))
    return Snapshot(tree=Tree(git(place, "write-tree").text), index=place.index, nested=nested)


def _rebuilt(git: Git, place: Place, fallback: Fallback, *, siblings: bool, whole: bool) -> Snapshot:
    shared = replace(place, git_dir=fallback.git_dir)
    if fallback.commit is not None:
        git(shared, "read-tree", fallback.commit)
    return replace(_taken(git, shared, siblings=siblings, whole=whole), rebuilt=True)


def changes(git: Git, place: Place, old: str, new: str) -> tuple[Change, ...]:
    """What differs between two trees or commits, by path; by a git that stays. Raises `GitRefused`."""
    pair = " ".join(tree_named(git, place, name) for name in (old, new))
    # A line that names no objects is only said again: then all that comes before it has been written.
    words = pair.encode() + b"\n" + _END
    fields = git.ask(
        place, "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", words=words, answer=_differences
    )
    found = []
    for info, path in zip(fields[0::2], fields[1::2], strict=False):
        _, mode, _, _, kind = info.decode().split(" ")
        found.append(Change(path=path, kind=kind[0], mode=mode))
    return tuple(found)


def _differences(said: IO[bytes]) -> list[bytes]:
    """What is said of each path, and the path, in turn, and an empty one. Either ends with a NUL, so that what looks
    like the end is not where an odd number of them came before it: then it is the beginning of a path."""
    if said.readline() == _END:  # in the place of the two trees: it could not read one, and waits for others
        raise GitRefused(("diff-tree", "--stdin"), 1, "a tree is gone, or damaged")
    told = b""
    while not (told.endswith(_END) and _is_whole(told[: -len(_END)])):
        line = said.readline()
        if not line:
            raise EOFError
        told += line
    return told[: -len(_END)].split(b"\0")


def _is_whole(told: bytes) -> bool:
    return not told or (told.endswith(b"\0") and told.count(b"\0") % 2 == 0)


def use_index(place: Place, made: Snapshot) -> None:
    """Put a snapshot's index in the place of the worktree's own, by git's protocol. Only while no agent lives there."""
    if made.nested:  # plain files, by that index: git sees no repositories there from now on
        put(place.git_dir / _NESTED, b"\0".join({*made.nested, *known_nested(place.git_dir)}))
    lock = place.git_dir / "index.lock"
    lock.unlink(missing_ok=True)
    os.link(made.index, lock)
    lock.replace(place.git_dir / "index")


def known_nested(git_dir: Path) -> tuple[bytes, ...]:
    """Repositories in a worktree whose files are plain ones in its own index since that is ours."""
    with suppress(FileNotFoundError):
        return tuple((git_dir / _NESTED).read_bytes().split(b"\0"))
    return ()


def _add_all(git: Git, place: Place, *, siblings: bool, whole: bool) -> Iterator[bytes]:
    """`git add --all`; then each repository in the worktree that is no submodule is added as plain files.

    Of those that the index has as a link to a commit, only HEAD is looked at: `git add` would have a git look at their
    files as well, by their own configuration, in which an agent can name a program.
    """
    unborn: list[str] = []
    linked = [path for path in _links(git, place) if _own_git(place, path).exists()]
    while True:
        skipped = [*unborn, *map(os.fsdecode, linked)]
        excluded = (":/", *(f":(exclude,literal,top){path}" for path in skipped)) if skipped else ()
        # 128 is looked into: a repository without a commit stops `git add` at once.
        added = git(place, "add", "--all", "--sparse", "--", *excluded, codes=(0, 128))
        if added.code == 0:
            break
        more = [found["path"] for found in _UNBORN.finditer(added.err) if found["path"] not in unborn]
        if not more:
            raise GitRefused(("add", "--all"), added.code, added.err)
        unborn += more
    if linked:
        git(place, "update-index", "-z", "--stdin", stdin=b"".join(path + b"\0" for path in linked))
    for path in [*_embedded(git, place, whole=whole), *(os.fsencode(path) for path in unborn)]:
        git(place, "update-index", "-z", "--force-remove", "--stdin", stdin=path + b"\0")
        if siblings or not _is_sibling(place, path):
            yield path
            yield from _add_nested(git, place, path, siblings=siblings, whole=whole)


def _embedded(git: Git, place: Place, *, whole: bool) -> Iterator[bytes]:
    """Folders that the index has as a link to a commit, though no submodule is registered there.

    Whether `git add` put them there just now, or the agent by its own `git add` and a commit. `whole`: also submodules
    whose git folder is among their files, as an agent's own repository has it.
    """
    links = _links(git, place)
    registered = _submodules(git, place) if links else frozenset()
    for path in links:
        own = _own_git(place, path)
        if own.exists() if path not in registered else whole and own.is_dir():
            yield path


def _links(git: Git, place: Place) -> list[bytes]:
    """Paths that the index has as a link to a commit."""
    assert place.index is not None
    if not may_link(place.index):
        return []
    entries = (entry.partition(b"\t") for entry in git(place, "ls-files", "--stage", "-z").out.split(b"\0"))
    return [path for info, _, path in entries if info.startswith(_GITLINK)]


def _own_git(place: Place, path: bytes) -> Path:
    assert place.work_tree is not None
    return place.work_tree / os.fsdecode(path) / ".git"


def _submodules(git: Git, place: Place) -> frozenset[bytes]:
    assert place.work_tree is not None
    if not (place.work_tree / ".gitmodules").is_file():
        return frozenset()
    listed = git(
        place, "config", "--file", ".gitmodules", "--null", "--get-regexp", r"^submodule\..*\.path$", codes=(0, 1)
    )
    return frozenset(row.partition(b"\n")[2] for row in listed.out.split(b"\0") if row)


def _is_sibling(place: Place, path: bytes) -> bool:
    """It is no repository, but another worktree of the one that we are in."""
    assert place.work_tree is not None
    link = place.work_tree / os.fsdecode(path) / ".git"
    if not link.is_file():
        return False
    registry = Path(link.read_text(errors="replace").removeprefix("gitdir: ").strip()).parent
    return registry in (place.git_dir.parent, place.git_dir / "worktrees")


def _add_nested(git: Git, place: Place, path: bytes, *, siblings: bool, whole: bool) -> Iterator[bytes]:
    """Store a nested repository's files, with the same rules, at its place in our tree; those that it nests itself."""
    assert place.work_tree is not None
    assert place.index is not None
    name = os.fsdecode(path)
    index = Path(tempfile.mkdtemp(dir=place.index.parent)) / "index"
    inner = Place(git_dir=place.git_dir, work_tree=place.work_tree / name, index=index)
    for deeper in _add_all(git, inner, siblings=siblings, whole=whole):
        yield path + b"/" + deeper
    tree = git(inner, "write-tree").text
    git(place, "read-tree", f"--prefix={name}/", tree)
