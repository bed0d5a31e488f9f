"""Command lines and texts with `{placeholders}`.

Knows how a template is written and filled in. Does not know what the placeholders stand for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")


class TemplateFault(ValueError):
    """The template cannot be filled in. The message says which part, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text with placeholders in it. `{{` and `}}` are literal braces."""

    pieces: tuple[tuple[str, str], ...]
    """(what stands before it, the placeholder's name); the last one's name is empty."""

    @classmethod
    def parse(cls, source: str, known: Collection[str]) -> Text:
        """Raises `TemplateFault`."""
        pieces: list[tuple[str, str]] = []
        before, place = "", 0
        for found in _TOKEN.finditer(source):
            before += source[place : found.start()]
            place = found.end()
            if found[0] in ("{{", "}}"):
                before += found[0][0]
                continue
            name = (found[1] or "").strip()
            if name not in known:
                raise TemplateFault(_unknown(found[0], name, known))
            pieces.append((before, name))
            before = ""
        return cls(pieces=(*pieces, (before + source[place:], "")))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in self.pieces if name)

    def fill(self, values: Mapping[str, str | None]) -> str:
        """A placeholder without a value becomes nothing."""
        return "".join(before + ((values.get(name) or "") if name else "") for before, name in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """An argv with placeholders. A group of arguments is left out when one of its placeholders has no value."""

    groups: tuple[tuple[Text, ...], ...]
    optional: tuple[bool, ...]
    """Which of them are groups that may be left out; the others are single arguments."""

    @classmethod
    def parse(cls, source: Sequence[str | Sequence[str]], known: Collection[str]) -> CommandLine:
        """Raises `TemplateFault`."""
        groups = tuple(
            tuple(Text.parse(part, known) for part in ([item] if isinstance(item, str) else item)) for item in source
        )
        return cls(groups=groups, optional=tuple(not isinstance(item, str) for item in source))

    @property
    def program(self) -> Text:
        return self.groups[0][0]

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(text.names for group in self.groups for text in group))

    def fill(self, values: Mapping[str, str | None]) -> tuple[str, ...]:
        argv: list[str] = []
        for group, optional in zip(self.groups, self.optional, strict=True):
            if optional and any(not values.get(name) for text in group for name in text.names):
                continue
            argv += [text.fill(values) for text in group]
        return tuple(argv)


def _unknown(written: str, name: str, known: Collection[str]) -> str:
    if written == "{":
        return "a '{' that nothing closes; write '{{' for a literal brace"
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean '{{{close[0]}}}'?" if close else "known are " + ", ".join(f"{{{each}}}" for each in known)
    return f"'{written}' is no placeholder; {meant} (a literal brace is written '{{{{')"
