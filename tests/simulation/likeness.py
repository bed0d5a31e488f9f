"""Two states that should be one: a copy of a state, and where one differs from another.

Knows containers; everything else in a state is a frozen value, and shared.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any

from orchestrator.core.deadlines import Deadlines
from orchestrator.core.graph import TaskGraph
from orchestrator.core.ready import ReadyQueue
from orchestrator.core.state import State
from orchestrator.core.values import Struct

PLAIN = (ReadyQueue, Deadlines)
"""Objects of a state that change, beside its dataclasses."""
FROZEN = (Struct, TaskGraph, str, int, float, tuple, frozenset, NoneType)


def twin(state: State) -> State:
    """One that goes its own way from here on."""
    made = State.__new__(State)
    vars(made).update({name: _copied(value) for name, value in vars(state).items()})
    return made


def _copied(value: Any) -> Any:
    kind: Any = type(value)
    if kind is dict:
        return {key: _copied(each) for key, each in value.items()}
    if kind is list:
        return [_copied(each) for each in value]
    if kind is set:
        return set(value)
    if kind in PLAIN:
        made = kind.__new__(kind)
        vars(made).update({name: _copied(each) for name, each in vars(value).items()})
        return made
    if is_dataclass(value):
        return kind(**{field.name: _copied(getattr(value, field.name)) for field in fields(value)})
    if not isinstance(value, FROZEN):
        raise TypeError(f"it is not known how a {kind.__name__} is copied")
    return value


def differences(one: State, other: State) -> list[str]:
    """Names of the durable fields in which they differ, order included. What a ready queue remembers of its answers is
    no state."""
    mine, theirs = vars(one), vars(other)
    found = [*(mine.keys() ^ theirs.keys())]
    for name, value in mine.items():
        its = theirs.get(name)
        if value is its or name in _APART:
            continue
        if value != its or (type(value) is dict and list(value) != list(its)):
            found.append(name)
    if one.ready._line_of != other.ready._line_of or one.ready._rank_of != other.ready._rank_of:
        found.append("ready")
    if one.deadlines._due != other.deadlines._due:
        found.append("deadlines")
    if one.graph is not other.graph and one.graph.ranks != other.graph.ranks:
        found.append("graph")
    return sorted(found)


def share(one: State, other: State) -> None:
    """Of two that are the same: the equal values of their largest fields become one, so that the next look need not go
    into them."""
    mine, theirs = vars(one), vars(other)
    theirs["manifest"] = mine["manifest"]
    for name in _LARGE:
        theirs[name].update(mine[name])


_APART = frozenset({"graph", "ready", "deadlines"})
_LARGE = ("beads", "attempts", "workers", "breakers", "accounts", "pools", "trials")
"""Of frozen values, by their names."""
