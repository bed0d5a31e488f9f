"""What a proof finds: a claim, whether it holds, and the command that shows it."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.values import Struct

_SHOWN = 12
"""Instances, at most, in a detail; their number is always told."""


class Finding(Struct, frozen=True, kw_only=True):
    holds: bool
    claim: str
    detail: str = ""
    """What stands against it; where it holds, what is worth a word."""
    command: str = ""
    """What shows it."""
    promised: bool = True
    """We answer for it. Else a person may well have changed it themselves, and nothing shows who did."""


def found(claim: str, against: Iterable[str], command: str, *, said: Iterable[str] = ()) -> Finding:
    """A claim that holds where there is nothing against it."""
    faults = list(against)
    return Finding(holds=not faults, claim=claim, detail=listed(faults or list(said)), command=command)


def listed(each: list[str]) -> str:
    more = len(each) - _SHOWN
    return ", ".join(each[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
