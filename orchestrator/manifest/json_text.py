"""JSON text to a document.

Knows JSON, strictly. The standard parser judges the syntax and makes the values; a scan over the tokens, which
may rely on that judgement, notes the places.
"""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import dataclass

from orchestrator.manifest.document import Document, KeyPath, Plain, Position
from orchestrator.manifest.faults import Fault, ManifestFaults

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_NOT_JSON = {"NaN", "Infinity", "-Infinity"}
"""What Python's parser takes beyond JSON."""


class Lines:
    """Offsets into a text to positions."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        line = bisect.bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)


def parse_json(text: str, *, file: str) -> Document:
    """Raises ManifestFaults on a syntax error."""
    try:
        value = json.loads(
            text,
            parse_int=lambda digits: Plain(text=digits, value=int(digits)),
            parse_float=lambda digits: Plain(text=digits, value=float(digits)),
            parse_constant=lambda word: Plain(text=word, value=float(word)),
        )
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}"
        raise ManifestFaults([Fault(file=file, line=error.lineno, column=error.colno, message=message)]) from error
    except ValueError as error:  # of int(), which takes only so many digits
        raise ManifestFaults([Fault(file=file, line=1, column=1, message=f"not valid JSON: {error}")]) from error
    except RecursionError as error:
        raise ManifestFaults([Fault(file=file, line=1, column=1, message="nested too deeply")]) from error
    scan = _Scan(text, file)
    return Document(file=file, value=value, values=scan.values, keys=scan.keys, faults=tuple(scan.faults))


@dataclass(slots=True)
class _Open:
    """An object or array that the scan is inside of."""

    path: KeyPath
    seen: dict[str, Position] | None
    """The keys so far; None for an array."""
    step: str | int | None = None
    """The key or index of the value that comes next; None where a key comes next."""


class _Scan:
    def __init__(self, text: str, file: str) -> None:
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self.faults: list[Fault] = []
        self._file = file
        self._lines = Lines(text)
        self._open: list[_Open] = []
        for token in _TOKEN.finditer(text):
            self._take(token.group(), self._lines.position(token.start()))

    def _take(self, token: str, where: Position) -> None:
        inside = self._open[-1] if self._open else None
        if token in "}]":
            self._open.pop()
        elif token == ",":
            assert inside is not None
            inside.step = None if inside.seen is not None else self._index(inside) + 1
        elif token == ":":
            pass
        elif inside is not None and inside.seen is not None and inside.step is None:
            self._key(inside, json.loads(token), where)
        else:
            path = () if inside is None else (*inside.path, self._step(inside))
            self.values[path] = where
            if token == "{":
                self._open.append(_Open(path, {}))
            elif token == "[":
                self._open.append(_Open(path, None, 0))
            elif token in _NOT_JSON:
                self._fault(where, f"not valid JSON: '{token}'")

    def _key(self, inside: _Open, key: str, where: Position) -> None:
        assert inside.seen is not None
        if key in inside.seen:
            self._fault(where, f"duplicate key '{key}': first given on line {inside.seen[key].line}")
        inside.seen.setdefault(key, where)
        inside.step = key
        self.keys[(*inside.path, key)] = where

    @staticmethod
    def _step(inside: _Open) -> str | int:
        assert inside.step is not None
        return inside.step

    @staticmethod
    def _index(inside: _Open) -> int:
        assert isinstance(inside.step, int)
        return inside.step

    def _fault(self, where: Position, message: str) -> None:
        self.faults.append(Fault(file=self._file, line=where.line, column=where.column, message=message))
