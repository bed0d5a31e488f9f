"""What a program says of its own end, in the file named by $ORCHESTRATOR_OUTCOME.

Knows the file's words. Does not know what else speaks for or against them (`verdict`).

    {"outcome": "no-change-needed" | "blocked" | "done" | …, "reason": "…",
     "usage": {"usd": 0.1, "tokens_in": 900, "tokens_out": 30}, "session": "…"}
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from orchestrator.agents.amounts import amount, whole
from orchestrator.core.model import Ending, Usage
from orchestrator.core.values import Struct, field

MAX_BYTES = 64 * 1024

_DELIVERED = ("done", "delivered", "success", "succeeded", "ok", "changed")
_NOTHING = ("no-change-needed", "no-changes-needed", "nothing-to-do", "not-needed")
_ASKED = ("blocked", "asked", "question", "needs-input", "needs-answer")
_CRASHED = ("failed", "failure", "error", "crashed")

WORDS: dict[str, Ending] = {
    **dict.fromkeys(_DELIVERED, Ending.DELIVERED),
    **dict.fromkeys(_NOTHING, Ending.NO_CHANGE_NEEDED),
    **dict.fromkeys(_ASKED, Ending.ASKED),
    **dict.fromkeys(_CRASHED, Ending.CRASHED),
    **{
        ending.value: ending
        for ending in (
            Ending.RATE_LIMITED,
            Ending.USAGE_LIMITED,
            Ending.OVERLOADED,
            Ending.UNAVAILABLE,
            Ending.UNREACHABLE,
            Ending.CONTEXT_OVERFLOW,
        )
    },
}
"""`_` and capitals do not matter."""


class Outcome(Struct, frozen=True, kw_only=True):
    ending: Ending | None = None
    """None: no word of it was understood, or there was none."""
    reason: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)
    fault: str = ""
    """Why the file could not be understood."""


def read_outcome(path: Path) -> Outcome | None:
    """What the file says; None: there is none."""
    try:
        # O_NONBLOCK: a named pipe in its place must not stop us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Outcome(fault=f"its outcome file cannot be read: {error.strerror}")
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return Outcome(fault="its outcome file is no file")
        with open(handle, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    finally:
        os.close(handle)
    if not data.strip():
        return None  # `> $ORCHESTRATOR_OUTCOME` and no more: nothing was said
    if len(data) > MAX_BYTES:
        return Outcome(fault="its outcome file is too long")
    try:
        said = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Outcome(fault="its outcome file is no JSON")
    return _understood(said)


def _understood(said: Any) -> Outcome:
    if not isinstance(said, dict):
        return Outcome(fault="its outcome file is no JSON object")
    word = said.get("outcome")
    ending = WORDS.get(word.strip().lower().replace("_", "-")) if isinstance(word, str) else None
    fault = ""
    if word is None:
        fault = "its outcome file has no 'outcome'"
    elif ending is None:
        fault = f"its outcome file says {str(word)[:40]!r}, which is no outcome"
    reason, session = said.get("reason"), said.get("session")
    return Outcome(
        ending=ending,
        reason=reason if isinstance(reason, str) else "",
        session=session if isinstance(session, str) and session else None,
        usage=_usage(said.get("usage")),
        fault=fault,
    )


def _usage(said: Any) -> Usage:
    if not isinstance(said, dict):
        return Usage()
    return Usage(
        usd=amount(said.get("usd")),
        tokens_in=whole(amount(said.get("tokens_in"))),
        tokens_out=whole(amount(said.get("tokens_out"))),
    )
