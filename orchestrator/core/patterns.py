"""The pattern language of `files:`, and whether two patterns could ever meet.

A pattern is a path relative to the repository's root, in segments: `*` and `?` and `[...]` match within one
segment, `**` as a whole segment matches any number of segments. A pattern also covers everything below what it
matches (`src` and `src/` mean the directory with all that is in it). Decided exactly for the language, not by
listing files that exist: a file that an agent is about to make counts too.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile

Atom = frozenset[str] | None
"""One character of a segment: a set of them, complemented when it holds `_NOT`; None: any run of characters."""

_NOT = "\0not"
_ANY = frozenset({_NOT})


def meet(one: str, other: str) -> bool:
    """Some path is covered by both patterns."""
    for mine, theirs in zip(_plain_beginning(one), _plain_beginning(other), strict=False):
        if mine != theirs:
            return False  # most pairs of a run end here, and there are too many of them to be remembered
    return _meet(one, other)


@lru_cache(maxsize=65536)
def _meet(one: str, other: str) -> bool:
    return _paths_meet(_segments(one), _segments(other))


@lru_cache(maxsize=65536)
def _plain_beginning(pattern: str) -> tuple[str, ...]:
    """Its segments before the first that is not plainly a name."""
    return tuple(takewhile(lambda segment: not any(char in segment for char in "*?["), _segments(pattern)))


def covers(pattern: str, path: str) -> bool:
    """The pattern matches this very path, or a directory above it."""
    return _path_covered(_segments(pattern), tuple(path.split("/")))


def beginning(pattern: str) -> str:
    """The path below which all lies that it matches; empty: anywhere. Two patterns meet only where one's is above, or
    is, the other's."""
    return "/".join(_plain_beginning(pattern))


@lru_cache(maxsize=65536)
def _segments(pattern: str) -> tuple[str, ...]:
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    while parts and parts[-1] == "**":
        parts = parts[:-1]  # all below a pattern is covered by it anyway
    return parts


def _paths_meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether some path has a prefix matched by each: when either is used up, the rest lies below it."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(one) or j == len(other):
            return True
        a, b = one[i], other[j]
        if a == "**":
            todo += [(i + 1, j), (i, j + 1)]
        if b == "**":
            todo += [(i, j + 1), (i + 1, j)]
        if a != "**" and b != "**" and _segments_meet(a, b):
            todo.append((i + 1, j + 1))
    return False


def _path_covered(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    todo = [(0, 0)]
    seen: set[tuple[int, int]] = set()
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(pattern):
            return True
        if pattern[i] == "**":
            todo.append((i + 1, j))
            if j < len(path):
                todo.append((i, j + 1))
        elif j < len(path) and _atoms_meet(_atoms(pattern[i]), tuple(frozenset(c) for c in path[j])):
            todo.append((i + 1, j + 1))
    return False


@lru_cache(maxsize=65536)
def _segments_meet(one: str, other: str) -> bool:
    return _atoms_meet(_atoms(one), _atoms(other))


def _atoms_meet(one: tuple[Atom, ...], other: tuple[Atom, ...]) -> bool:
    """Whether some non-empty name is matched by both: the product of two automata, walked."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(one) and j == len(other):
            return True
        a = one[i] if i < len(one) else frozenset()
        b = other[j] if j < len(other) else frozenset()
        if a is None:
            todo.append((i + 1, j))
            if j < len(other):
                todo.append((i, j + 1))
        if b is None:
            todo.append((i, j + 1))
            if i < len(one):
                todo.append((i + 1, j))
        if a is not None and b is not None and _characters_meet(a, b):
            todo.append((i + 1, j + 1))
    return False


def _characters_meet(a: frozenset[str], b: frozenset[str]) -> bool:
    if _NOT in a and _NOT in b:
        return True  # the alphabet is larger than any two sets of exceptions
    if _NOT in a:
        return bool(b - a)
    if _NOT in b:
        return bool(a - b)
    return bool(a & b)


@lru_cache(maxsize=65536)
def _atoms(segment: str) -> tuple[Atom, ...]:
    atoms: list[Atom] = []
    i = 0
    while i < len(segment):
        char = segment[i]
        if char == "*":
            atoms.append(None)
            i += 1
        elif char == "?":
            atoms.append(_ANY)
            i += 1
        elif char == "[" and (end := _class_end(segment, i)) > 0:
            atoms.append(_character_class(segment[i + 1 : end]))
            i = end + 1
        else:
            atoms.append(frozenset(char))
            i += 1
    return tuple(atoms)


def _class_end(segment: str, start: int) -> int:
    """Where the class that opens at `start` closes; a `]` that stands first belongs to it. -1: nowhere."""
    i = start + 1
    if i < len(segment) and segment[i] in "!^":
        i += 1
    return segment.find("]", i + 1)


def _character_class(body: str) -> frozenset[str]:
    negated = body[:1] in ("!", "^")
    if negated:
        body = body[1:]
    chars: set[str] = set()
    i = 0
    while i < len(body):
        if i + 2 < len(body) and body[i + 1] == "-":
            chars.update(chr(c) for c in range(ord(body[i]), ord(body[i + 2]) + 1))
            i += 3
        else:
            chars.add(body[i])
            i += 1
    return frozenset(chars | {_NOT}) if negated else frozenset(chars)
