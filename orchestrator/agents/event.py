"""Values in one event, and what a rule makes of them.

Knows paths and tests. Does not know what was said before.
"""

from __future__ import annotations

from typing import Any

from orchestrator.agents.amounts import amount
from orchestrator.agents.profile import EventRule, Place, Test
from orchestrator.agents.stream import one_line, straight

MAX_WORDS = 20_000
"""Characters of a value that are worth reading."""


def everything_at(value: Any, place: Place) -> list[Any]:
    """Every value that the path leads to."""
    values = [value]
    for key in place:
        found: list[Any] = []
        for value in values:
            if isinstance(value, dict):
                if key in value:
                    found.append(value[key])
            elif isinstance(value, list):
                if key == "*":
                    found += value
                elif key.isdecimal() and int(key) < len(value):
                    found.append(value[int(key)])
        if not found:
            return found
        values = found
    return values


def first_at(value: Any, place: Place) -> Any:
    """The first value that the path leads to; None: none."""
    values = everything_at(value, place)
    return values[0] if values else None


def holds(test: Test, event: dict[str, Any]) -> bool:
    values = everything_at(event, test.path)
    if test.exists is not None and bool(values) is not test.exists:
        return False
    if test.any_of is not None and not any(_same(value, wanted) for value in values for wanted in test.any_of):
        return False
    if test.none_of is not None and any(_same(value, wanted) for value in values for wanted in test.none_of):
        return False
    if test.matches is not None:
        return any(isinstance(value, str) and test.matches.search(straight(value)) for value in values)
    return True


def _same(value: Any, wanted: Any) -> bool:
    return isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)  # 1 is not true


def note(rule: EventRule, event: dict[str, Any], length: int) -> str:
    for text in rule.note:
        values = {name: as_words(first_at(event, tuple(name.split(".")))) for name in text.names}
        if all(values.values()):
            return one_line(text.fill(values), length)
    return ""


def as_words(value: Any) -> str:
    """A value as text, if it is one that says something."""
    if isinstance(value, str):
        return value[:MAX_WORDS].strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def total(places: tuple[Place, ...], event: dict[str, Any]) -> float | None:
    amounts = [found for place in places if (found := amount(first_at(event, place))) is not None]
    return sum(amounts) if amounts else None


def as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value
