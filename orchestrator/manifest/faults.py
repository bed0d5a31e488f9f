"""What is wrong with a manifest, and where.

Knows how a fault is worded and ordered. Does not know what makes something a fault.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from orchestrator.core.values import Struct


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `str()` is the line that a person reads."""

    file: str
    """As the person named it; for a fault of the command line, the option."""
    line: int
    """1-based; 0 where there is no text to point at (a file that is missing, an option)."""
    column: int
    """1-based, in characters; 0 with line 0."""
    message: str
    expected: str = ""
    hint: str = ""
    """The nearest known name; empty if none is near."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        expected = f"; expected {self.expected}" if self.expected else ""
        hint = f"; did you mean '{self.hint}'?" if self.hint else ""
        return f"{place}: {self.message}{expected}{hint}"


class ManifestFaults(Exception):
    """The manifest is at fault. All faults at once, in the order of file, line and column."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        unique = dict.fromkeys(faults)
        self.faults: tuple[Fault, ...] = tuple(
            sorted(unique, key=lambda fault: (fault.file, fault.line, fault.column, fault.message))
        )
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Unfit(ValueError):
    """A value that does not fit. Whoever knows its place makes a `Fault` of it."""

    def __init__(self, message: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.hint = hint


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that is spelled most like `name`, or an empty string."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[close[0]] if close else ""
