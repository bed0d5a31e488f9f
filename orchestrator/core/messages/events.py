"""What every event is, and what it is called outside."""

from __future__ import annotations

import re

from orchestrator.core.values import Struct


class Event(Struct, frozen=True, kw_only=True):
    at: float


def name_of(kind: type[Event]) -> str:
    """`noun.past_tense`, by rule: the first word of the class is the noun, the rest is what happened to it."""
    noun, *rest = re.findall(r"[A-Z][a-z0-9]*", kind.__name__)
    return f"{noun.lower()}.{'_'.join(word.lower() for word in rest)}"
