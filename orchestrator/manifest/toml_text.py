"""TOML text to a document.

Knows TOML. The standard parser judges the syntax and makes the values; a scan, which may rely on that judgement,
notes the places and the source text of what is not a string.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from orchestrator.manifest.document import Document, KeyPath, Plain, Position
from orchestrator.manifest.faults import Fault, ManifestFaults
from orchestrator.manifest.json_text import Lines

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_STRINGS = (
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}',
    r"'''(?:[^']|'(?!''))*'{3,5}",
    r'"(?:[^"\\\n]|\\.)*"',
    r"'[^'\n]*'",
)
_STRING = re.compile("|".join(_STRINGS), re.DOTALL)
_WORD = re.compile(r"[^\s,\]}#]+(?: \d\d:\d\d[^\s,\]}#]*)?")
"""A number, a truth value or a date; a date may have a space before its time."""
_ERROR_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def parse_toml(text: str, *, file: str) -> Document:
    """Raises ManifestFaults on a syntax error."""
    text = text.replace("\r\n", "\n")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestFaults([_syntax_fault(text, file, str(error))]) from error
    except ValueError as error:  # of int(), which takes only so many digits
        raise ManifestFaults([Fault(file=file, line=1, column=1, message=f"not valid TOML: {error}")]) from error
    except RecursionError as error:
        raise ManifestFaults([Fault(file=file, line=1, column=1, message="nested too deeply")]) from error
    scan = _Scan(text)
    scan.document()
    return Document(file=file, value=scan.with_text(value, ()), values=scan.values, keys=scan.keys)


def _syntax_fault(text: str, file: str, said: str) -> Fault:
    if found := _ERROR_PLACE.search(said):
        line, column = int(found[1]), int(found[2])
        said = said[: found.start()]
    else:  # "(at end of document)"
        line, column = Lines(text).position(len(text))
    return Fault(file=file, line=line, column=column, message=f"not valid TOML: {said}")


class _Scan:
    """One pass over a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self.values: dict[KeyPath, Position] = {(): Position(1, 1)}
        self.keys: dict[KeyPath, Position] = {}
        self._words: dict[KeyPath, str] = {}
        self._text = text
        self._offset = 0
        self._lines = Lines(text)
        self._lengths: dict[KeyPath, int] = {}
        """How many tables each array of tables has so far."""

    def with_text(self, value: Any, path: KeyPath) -> Any:
        """The value with every scalar that is not a string beside its source text."""
        if isinstance(value, dict):
            return {key: self.with_text(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.with_text(item, (*path, index)) for index, item in enumerate(value)]
        return value if isinstance(value, str) else Plain(text=self._words.get(path, str(value)), value=value)

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._offset < len(self._text):
            if self._text.startswith("[", self._offset):
                table = self._header()
            else:
                self._assignment(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        where = self._here()
        many = self._text.startswith("[[", self._offset)
        self._offset += 2 if many else 1
        self._skip(_SPACE)
        parts = self._dotted_key()
        self._offset += 2 if many else 1
        path: KeyPath = ()
        for name, place in parts[:-1]:
            path = self._table(path, name, place)
        name, place = parts[-1]
        if not many:
            path = self._table(path, name, place)
        else:
            path = (*path, name)
            self.keys.setdefault(path, place)
            self.values.setdefault(path, where)
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            path = (*path, index)
        self.values[path] = where
        return path

    def _table(self, path: KeyPath, name: str, place: Position) -> KeyPath:
        """One step of a dotted key; into an array of tables, it leads to the last one."""
        path = (*path, name)
        self.keys.setdefault(path, place)
        self.values.setdefault(path, place)
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _assignment(self, table: KeyPath) -> None:
        parts = self._dotted_key()
        path = table
        for name, place in parts[:-1]:
            path = self._table(path, name, place)
        name, place = parts[-1]
        self.keys[(*path, name)] = place
        self._offset += 1  # the equals sign
        self._skip(_SPACE)
        self._value((*path, name))

    def _dotted_key(self) -> list[tuple[str, Position]]:
        parts: list[tuple[str, Position]] = []
        while True:
            where = self._here()
            raw = self._skip(_KEY)
            name = next(iter(tomllib.loads(f"{raw}=0"))) if raw[:1] in {'"', "'"} else raw
            parts.append((name, where))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._offset):
                return parts
            self._offset += 1
            self._skip(_SPACE)

    def _value(self, path: KeyPath) -> None:
        self.values[path] = self._here()
        opening = self._text[self._offset]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            self._words[path] = self._skip(_WORD)

    def _items(self, path: KeyPath, closing: str) -> None:
        self._offset += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._text.startswith(closing, self._offset):
                break
            if closing == "]":
                self._value((*path, index))
            else:
                self._assignment(path)
            index += 1
            self._skip(_BLANK)
            if self._text.startswith(",", self._offset):
                self._offset += 1
        self._offset += 1

    def _here(self) -> Position:
        return self._lines.position(self._offset)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._offset)
        assert found is not None, f"no TOML at offset {self._offset}"
        self._offset = found.end()
        return found.group()
