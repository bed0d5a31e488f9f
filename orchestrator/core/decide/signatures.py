"""What a failure looks like, without what differs from one time to the next: so that the same one is known again."""

from __future__ import annotations

import re

from orchestrator.core.model import Verdict

LINES = 12
"""Of the evidence's end: there the errors stand."""
LONGEST = 400

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NAMES = re.compile(r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|\d+(?:[.,:]\d+)*", re.IGNORECASE)
"""Hashes, addresses, times, durations, counts, line numbers, and the numbers in the names of temporary folders."""


def signature(verdict: Verdict, evidence: str = "") -> str:
    """Class, what was said (a check's command is in it), and the end of the evidence."""
    said = [verdict.reason, *evidence.splitlines()[-LINES:]]
    plain = (_NAMES.sub("#", _ESCAPES.sub("", line)).strip().lower() for line in said)
    return f"{verdict.ending}: " + " | ".join(line for line in plain if line)[-LONGEST:]
