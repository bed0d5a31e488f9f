"""Command lines with `{placeholders}`: texts, some of them in groups that may be left out.

Does not know what the placeholders stand for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestrator.core.template import Text
from orchestrator.core.values import Struct


class CommandLine(Struct, frozen=True, kw_only=True):
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
