"""Single commits, as git has them in its object database, read and written by a git that stays.

For what is asked again and again while agents wait. The only module that writes commits; those that are signed are
`signing`'s. Knows the form of a commit; does not know what any of them is for.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import IO

from orchestrator.core.model import Commit, Tree
from orchestrator.core.values import Struct
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Person

_DATE = re.compile(r"@?(\d+ [+-]\d{4})")
_PLAIN = re.compile(r"[^\x00-\x20.,:;<>\"'\\]([^\x00-\x1f<>]*[^\x00-\x20.,:;<>\"'\\])?")
"""Of a name or an address: git strips what stands around one, and takes brackets and line breaks out."""
_NAMED = re.compile(r"(?P<name>.*?) ?<(?P<mail>[^>]*)> (?P<date>\d+ [+-]\d+)")


class Signature(Struct, frozen=True, kw_only=True):
    """Who, and when: seconds since the epoch and the zone, as git prints it raw."""

    name: str
    mail: str
    date: str


class Stored(Struct, frozen=True, kw_only=True):
    commit: Commit
    tree: Tree
    parents: tuple[Commit, ...]
    author: Signature
    committer: Signature
    message: str = ""
    signed: bool = False


def name_at(git: Git, place: Place, ref: str) -> str | None:
    """The name of the object, whatever it is, at this ref, which is said in full; None: there is no such ref."""
    found = git.ask(place, "cat-file", "--batch", words=f"{ref}\n".encode(), answer=_answered)
    return found[0] if found else None


def stored(git: Git, place: Place, name: str) -> Stored | None:
    """The commit of this name, or at this ref, which is said in full; None: there is no such ref.

    Raises `GitRefused` for what is no commit, or none that is written as git writes them now.
    """
    found = git.ask(place, "cat-file", "--batch", words=f"{name}\n".encode(), answer=_answered)
    if found is None:
        return None
    commit, kind, content = found
    if kind != "commit":
        raise GitRefused(("cat-file", name), 1, f"{name} is a {kind}, not a commit")
    headers: dict[str, list[str]] = {}
    head, _, message = content.partition(b"\n\n")
    for line in head.decode("utf-8", "backslashreplace").split("\n"):
        key, _, value = line.partition(" ")
        headers.setdefault(key, []).append(value)
    try:
        return Stored(
            commit=Commit(commit),
            tree=Tree(headers["tree"][0]),
            parents=tuple(Commit(parent) for parent in headers.get("parent", ())),
            author=_signature(headers["author"][0]),
            committer=_signature(headers["committer"][0]),
            message=message.decode("utf-8", "backslashreplace"),
            signed="gpgsig" in headers or "gpgsig-sha256" in headers,
        )
    except (KeyError, ValueError) as odd:
        raise GitRefused(("cat-file", name), 1, f"{commit} is not written as git writes a commit: {odd}") from odd


def tree_named(git: Git, place: Place, name: str) -> Tree:
    """That of a commit, or the one of this name. Raises `GitRefused`."""
    found = git.ask(place, "cat-file", "--batch", words=f"{name}^{{tree}}\n".encode(), answer=_answered)
    if found is None:
        raise GitRefused(("cat-file", name), 128, f"there is no tree {name}")
    return Tree(found[0])


def commit_tree(
    git: Git, place: Place, tree: Tree, parents: Iterable[Commit], message: str, author: Person, committer: Person,
    date: str | None = None,
) -> Commit:  # fmt: skip
    """A commit, by a git of its own. `date` is the author's, as git prints it raw, with or without an `@`; None: now.

    Raises `GitRefused`.
    """
    words = [word for parent in parents for word in ("-p", parent)]
    env = {**author.as_author(date), **committer.as_committer()}
    return Commit(git(place, "commit-tree", *words, "-m", message, tree, env=env).text)


def write(
    git: Git, place: Place, tree: Tree, parents: Iterable[Commit], message: str, author: Person, committer: Person,
    date: str | None = None,
) -> Commit:  # fmt: skip
    """The same, by a git that stays, wherever all of it is so plain that we can write it as git would."""
    parents = tuple(parents)
    content = _content(tree, parents, message, author, committer, date)
    if content is None:
        return commit_tree(git, place, tree, parents, message, author, committer, date)
    with TemporaryFile() as file:  # it has no name: a death leaves nothing behind
        file.write(content)
        file.flush()
        asked = ("hash-object", "-t", "commit", "-w", "--no-filters", "--stdin-paths")
        words = f"/proc/{os.getpid()}/fd/{file.fileno()}\n".encode()
        return git.ask(place, *asked, words=words, answer=_written)


def _content(
    tree: Tree, parents: Iterable[Commit], message: str, author: Person, committer: Person, date: str | None
) -> bytes | None:
    """None: something of it git would change, or refuse."""
    now = f"{int(time.time())} {time.strftime('%z')}"
    when = _DATE.fullmatch(date or now)
    if when is None or not all(map(_is_plain, (author.name, author.mail, committer.name, committer.mail))):
        return None
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in dict.fromkeys(parents))]
    lines += [f"author {author.name} <{author.mail}> {when[1]}", f"committer {committer.name} <{committer.mail}> {now}"]
    end = "" if not message or message.endswith("\n") else "\n"
    try:
        content = "\n".join([*lines, "", f"{message}{end}"]).encode()
    except UnicodeEncodeError:
        return None
    return None if b"\0" in content else content


def _written(said: IO[bytes]) -> Commit:
    line = said.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return Commit(line.decode().strip())


def _is_plain(text: str) -> bool:
    """Git writes it as it is: nothing of it is left out, and nothing is guessed."""
    return bool(_PLAIN.fullmatch(text))


def _answered(said: IO[bytes]) -> tuple[str, str, bytes] | None:
    head = said.readline()
    if not head:
        raise EOFError
    if head.endswith(b" missing\n"):
        return None
    name, kind, size = head.decode().split()
    content = said.read(int(size) + 1)
    if len(content) <= int(size):
        raise EOFError  # it died in the middle
    return name, kind, content[:-1]


def _signature(value: str) -> Signature:
    found = _NAMED.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return Signature(name=found["name"], mail=found["mail"], date=found["date"])
