"""From the bytes of a terminal to lines, and from a line to the JSON objects in it.

Knows terminal escapes, cut chunks and broken encodings. Does not know what a line or an object means.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_LINE = 32 * 1024 * 1024
"""Bytes. A longer line is given up: what it would have said is not worth the memory."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|\x1b\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]{0,4096}\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]+[0-~]"  # character sets
    r"|\x1b[0-~]?"
)
"""None reaches over the end of a line, so that many lines can be cleaned at once."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DECODER = json.JSONDecoder()


class Lines:
    """Puts lines together from chunks, however they were cut."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._lost = False
        """We are in a line that was given up."""

    def feed(self, chunk: bytes) -> str:
        """The lines that this chunk completes, each with its end; in one piece, because there may be thousands."""
        end = chunk.rfind(b"\n") + 1
        text = ""
        if end:
            begin = chunk.index(b"\n") + 1 if self._lost else 0
            self._lost = False
            self._rest += chunk[begin:end]
            text = self._rest.decode("utf-8", "replace")
            self._rest.clear()
        if not self._lost:
            self._rest += chunk[end:]
            if len(self._rest) > MAX_LINE:
                self._rest.clear()
                self._lost = True
        return text

    def rest(self) -> str:
        """What came after the last line's end. It is taken away."""
        rest = self._rest.decode("utf-8", "replace")
        self._rest.clear()
        return rest


def without_escapes(text: str) -> str:
    """One or more lines without terminal sequences. Single control characters stay."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def _without_controls(text: str) -> str:
    """But for tabs and the ends of lines."""
    # Asking costs a tenth of what replacing nothing does.
    return text if text.replace("\n", "").isprintable() else _CONTROLS.sub("", text)


def shown(line: str) -> str:
    """What a person sees of the line: the last thing written over itself, without escapes and controls."""
    line = without_escapes(line).rstrip("\r")
    if "\r" in line:  # progress bars write over themselves
        line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    if "\b" in line and len(line) < 10_000:
        line = _backed(line)
    return _without_controls(line.replace("\t", " "))


def all_shown(text: str) -> str:
    """`shown` of each line of a text, for much less."""
    text = without_escapes(text).replace("\r\n", "\n")
    if "\r" in text or "\b" in text:
        return "\n".join(map(shown, text.split("\n")))
    return _without_controls(text.replace("\t", " "))


def may_hold_objects(text: str) -> list[int]:
    """The numbers of those lines of a text in which `objects` would look for any."""
    if "{" not in text:
        return []
    bare = _without_controls(without_escapes(text).replace("\r\n", "\n"))
    if '{"' not in bare:
        return []
    return [number for number, line in enumerate(bare.split("\n")) if '{"' in line]


def _backed(line: str) -> str:
    """With each backspace carried out: what is written after it replaces what stood there."""
    cells: list[str] = []
    place = 0
    for char in line:
        if char == "\b":
            place = max(0, place - 1)
        elif place < len(cells):
            cells[place] = char
            place += 1
        else:
            cells.append(char)
            place += 1
    return "".join(cells)


def straight(text: str) -> str:
    """With plain apostrophes and blanks, character for character."""
    return text.translate({0x2019: "'", 0x2018: "'", 0xA0: " ", 0x202F: " "})


def one_line(text: str, length: int) -> str:
    """The text as one line of at most this many characters."""
    line = re.sub(r"\s+", " ", text[: length * 8]).strip()
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def objects(line: str) -> tuple[str, list[dict[str, Any]], str]:
    """(what stands before them, the JSON objects of the line, what stands behind).

    Only from the first `{"` on: objects inside a line that is cut off are parts of what an agent said or read, and
    must never be taken for events of its own.
    """
    line = _without_controls(without_escapes(line))
    found: list[dict[str, Any]] = []
    start = place = line.find('{"')
    if start < 0 or line[:start].rstrip().endswith(("[", ",")):
        return line, [], ""
    while line.startswith('{"', place):
        try:
            value, place = _DECODER.raw_decode(line, place)
        except (ValueError, RecursionError):
            break
        found.append(value)
        while place < len(line) and line[place] == " ":
            place += 1
    return (line[:start], found, line[place:]) if found else (line, [], "")
