"""A file as data with the place of every value in it, whatever its format. Does not know what any key means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.core.values import Struct, field
from orchestrator.manifest.faults import Fault

KeyPath = tuple[str | int, ...]
"""The keys and list indices that lead from the top of a document to a value."""


class Position(NamedTuple):
    """1-based, in characters."""

    line: int
    column: int


START = Position(1, 1)


class Plain(Struct, frozen=True, kw_only=True):
    """An unquoted scalar that its format reads as something else than text.

    The source text is kept because only the reader of a key knows whether `007`, `no` or `1e3` is meant as a
    number, a truth value or a name.
    """

    text: str
    value: Any


class Document(Struct, frozen=True, kw_only=True):
    """What a file says. Scalars are `str`, `Plain`, or None for nothing at all."""

    file: str
    value: Any
    values: Mapping[KeyPath, Position] = field(default_factory=dict)
    keys: Mapping[KeyPath, Position] = field(default_factory=dict)
    """Where the key of a value stands, for values in mappings."""
    faults: tuple[Fault, ...] = ()
    """What is wrong although the syntax is right: duplicate keys and the like."""

    def at(self, path: KeyPath) -> Position:
        """Where the value stands, or the nearest enclosing one that has a place."""
        return self._find(path, self.values)

    def at_key(self, path: KeyPath) -> Position:
        """Where the value's key stands; for an item of a list, the value itself."""
        return self.keys.get(path) or self._find(path, self.values)

    def has(self, path: KeyPath) -> bool:
        return path in self.values

    def get(self, path: KeyPath) -> Any:
        """The value there; None if there is none."""
        value = self.value
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def fault(self, where: Position, message: str, *, expected: str = "", hint: str = "") -> Fault:
        return Fault(
            file=self.file,
            line=where.line,
            column=where.column,
            message=message,
            expected=expected,
            hint=hint,
        )

    @staticmethod
    def _find(path: KeyPath, places: Mapping[KeyPath, Position]) -> Position:
        for end in range(len(path), -1, -1):
            if (place := places.get(path[:end])) is not None:
                return place
        return START


def bare(value: Any) -> Any:
    """The value as plain Python data, with every scalar as its format reads it."""
    if isinstance(value, Plain):
        return value.value
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [bare(item) for item in value]
    return value
