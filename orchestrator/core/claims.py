"""Claims to files, and who may not hold them side by side.

Knows patterns by `patterns.meet` alone. Does not know who asks, nor what becomes of one who is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from orchestrator.core.model import Claim
from orchestrator.core.patterns import covers, meet

MOST = 100
"""Single files that one bead claims because it was seen to change them; more are claimed by their folders."""


def clash(one: Iterable[Claim], other: Sequence[Claim]) -> bool:
    """Some file is claimed by both, and not shared by both."""
    return any(
        meet(mine.pattern, theirs.pattern) for mine in one for theirs in other if not (mine.shared and theirs.shared)
    )


def clashing(one: Sequence[Claim], other: Sequence[Claim]) -> tuple[str, ...]:
    """The patterns over which they clash, each once, in the order they were written."""
    pairs = [
        (mine.pattern, theirs.pattern)
        for mine in one
        for theirs in other
        if not (mine.shared and theirs.shared) and meet(mine.pattern, theirs.pattern)
    ]
    return tuple(dict.fromkeys(pattern for pair in pairs for pattern in pair))


def lacking(wanted: Iterable[Claim], held: Sequence[Claim]) -> tuple[Claim, ...]:
    """What of it is not held already. A pattern counts as held where it is a plain path below a held one, or equal."""
    return tuple(
        dict.fromkeys(
            claim
            for claim in wanted
            if not any((claim.shared or not own.shared) and _within(claim.pattern, own.pattern) for own in held)
        )
    )


def of_files(files: Sequence[str]) -> tuple[Claim, ...]:
    """Exclusive claims to files that were changed; to their folders where there are too many to tell apart."""
    paths = [tuple(file.split("/")) for file in files]
    if len(paths) > MOST:
        deepest = max(map(len, paths))
        for depth in range(deepest - 1, -1, -1):
            shorter = dict.fromkeys(path[:depth] or (".",) for path in paths)
            if len(shorter) <= MOST:
                paths = list(shorter)
                break
    return tuple(dict.fromkeys(Claim(pattern=escaped("/".join(path))) for path in paths))


def added(held: Sequence[Claim], more: Iterable[Claim]) -> tuple[Claim, ...]:
    return tuple(dict.fromkeys((*held, *more)))


def escaped(path: str) -> str:
    """A pattern that matches this very path."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _within(pattern: str, held: str) -> bool:
    if pattern == held:
        return True
    # The part of it that is plainly a path: what covers that covers all of it.
    plain = "/".join(takewhile(lambda part: not any(char in part for char in "*?["), pattern.split("/")))
    return bool(plain) and covers(held, plain.rstrip("/"))
