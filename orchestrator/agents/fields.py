"""Reading a table of data: which keys are known, and whether single values fit, with every fault at its place.

Knows tables, lists and scalars. Does not know what any key means (`shape`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

KeyPath = tuple[str | int, ...]
"""The keys and list indices that lead from the top of a profile to a value."""

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)


class Wrong(ValueError):
    """A value that does not fit. Whoever knows its place makes a fault of it."""


class Table:
    """A mapping that is being read: who asks for a key makes it a known one."""

    def __init__(self, data: Mapping[str, Any], path: KeyPath, faults: list[tuple[KeyPath, str]]) -> None:
        self.data, self.path, self.faults = data, path, faults
        self.known: list[str] = []

    def fault(self, key: str | int, message: str) -> None:
        self.faults.append(((*self.path, key), message))

    def get(self, key: str, read: Callable[[Any], T]) -> T | None:
        """None when it is not there, or wrong."""
        self.known.append(key)
        if (value := self.data.get(key)) is None:
            return None
        try:
            return read(value)
        except Wrong as wrong:
            self.fault(key, str(wrong))
            return None

    def table(self, key: str, read: Callable[[Table], T]) -> T | None:
        self.known.append(key)
        if (value := self.data.get(key)) is None:
            return None
        return self._section(value, (*self.path, key), read)

    def each(self, key: str, read: Callable[[Table], T]) -> tuple[T, ...]:
        self.known.append(key)
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self.fault(key, f"must be a list of tables, not {kind(value)}")
            return ()
        found = (self._section(item, (*self.path, key, place), read) for place, item in enumerate(value))
        return tuple(item for item in found if item is not None)

    def _section(self, value: Any, path: KeyPath, read: Callable[[Table], T]) -> T | None:
        if not isinstance(value, Mapping):
            self.faults.append((path, f"must be a table, not {kind(value)}"))
            return None
        before = len(self.faults)
        section = Table(value, path, self.faults)
        made = read(section)
        section.close()
        return made if len(self.faults) == before else None

    def need(self, *keys: str) -> None:
        for key in keys:
            if key not in self.data:
                self.faults.append((self.path, f"'{key}' is missing"))

    def close(self) -> None:
        """Say which keys nobody asked for."""
        for key in self.data:
            if key not in self.known:
                self.fault(key, f"unknown key '{key}'" + meant(str(key), self.known))


def argv(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise Wrong("must be a list of texts")
    return tuple(value)


def count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Wrong(f"must be a number from 1, not {value!r}")
    return value


def pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(text(value))
    except re.error as error:
        raise Wrong(f"is no regular expression: {error}") from None


def one_of(words: type[Word]) -> Callable[[Any], Word]:
    def read(value: Any) -> Word:
        try:
            return words(value)
        except ValueError:
            known = [str(word) for word in words]
            raise Wrong(f"'{value}' does not fit" + meant(str(value), known, say_all=True)) from None

    return read


def filled(value: Any) -> str:
    if not text(value).strip():
        raise Wrong("must not be empty")
    return str(value).strip()


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(f"must be a text, not {kind(value)}")
    if "\0" in value:
        raise Wrong("has a NUL in it")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, not {value!r}")
    return value


def kind(value: Any) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, Mapping) else "nothing" if value is None else "this")


def meant(name: str, known: Collection[str], *, say_all: bool = False) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return "; known are " + ", ".join(known) if say_all else ""
