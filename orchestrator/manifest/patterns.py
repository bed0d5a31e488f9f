"""The language of `files:`: globs relative to the repository's root.

`*`, `?` and `[…]` stay within one segment; `**` is a whole segment and stands for any number of them; a directory,
with or without a slash at its end, stands for all below it. Knows what is well formed, not what matches what.
"""

from __future__ import annotations

from orchestrator.core.model import Claim
from orchestrator.manifest.faults import Unfit

EXPECTED = "a path or a glob relative to the repository's root"
SHARED = "read:"


def claim(text: str) -> Claim:
    """The claim that a line of `files:` makes. Raises Unfit."""
    shared = text.startswith(SHARED)
    pattern = text.removeprefix(SHARED).strip() if shared else text.strip()
    while pattern.startswith("./"):
        pattern = pattern[2:]
    if wrong := _wrong(pattern):
        raise Unfit(f"bad pattern '{printable(text)}': {wrong}", expected=EXPECTED)
    return Claim(pattern=pattern, shared=shared)


def printable(text: str) -> str:
    """The text with its control characters escaped, for messages."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _wrong(pattern: str) -> str:
    if pattern in {"", "."}:
        return "it is empty; the whole repository is '**'"
    if any(ord(char) < 32 or ord(char) == 127 for char in pattern):
        return "it has a control character"
    if "\\" in pattern:
        return "it has a backslash; directories are divided by '/'"
    if pattern.startswith("!"):
        return "a pattern cannot exclude with '!'"
    if pattern.startswith(("/", "~")) or pattern[1:3] == ":/":
        return "it is absolute"
    segments = pattern.removesuffix("/").split("/")
    for segment in segments:
        if segment == "..":
            return "'..' leaves the repository"
        if segment in {"", "."}:
            return "it has an empty segment"
        if "**" in segment and segment != "**":
            return "'**' must stand alone between slashes"
        if _unclosed(segment):
            return "a '[' is not closed"
    return ".git is no place for work" if segments[0] == ".git" else ""


def _unclosed(segment: str) -> bool:
    at = segment.find("[")
    while at >= 0:
        first = at + 2 if segment[at + 1 : at + 2] in {"!", "^"} else at + 1
        closing = segment.find("]", first + 1)  # a bracket that comes first is a member of the class
        if closing < 0:
            return True
        at = segment.find("[", closing + 1)
    return False
