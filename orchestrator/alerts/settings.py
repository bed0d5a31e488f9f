"""What a person asks for: where alerts go, from which level on, and which rules differ. Says what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from orchestrator.alerts.channels import Channel, CommandChannel, ServiceChannel, service_fault
from orchestrator.alerts.rules import BUILT_IN, Level, Rule, on
from orchestrator.core import messages as m
from orchestrator.core.values import Struct, replace
from orchestrator.runtime.ports import Commands

Where = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_EVENTS: Mapping[str, type[m.Event]] = {m.name_of(kind): kind for kind in m.Event.__subclasses__()}


class Settings(Struct, frozen=True, kw_only=True):
    """Of a manifest without faults."""

    to: tuple[Mapping[str, str] | str, ...] = ()
    level: Level = Level.WARNING
    group_s: float = 10.0
    rules: tuple[Rule, ...] = BUILT_IN


def faults(table: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """What is wrong with `alerts:`, and where inside of it."""
    for number, place in enumerate(table.get("to", ())):
        if isinstance(place, str) and (message := _place_fault(place)):
            yield ("to", number), message
    built_in = {rule.name for rule in BUILT_IN}
    for name, changes in table.get("rules", {}).items():
        wanted = changes.get("on")
        if wanted is None and name not in built_in:
            yield ("rules", name), f"there is no rule '{name}'{_near(name, built_in)}; a rule of your own needs 'on'"
        elif wanted is not None and name in built_in:
            yield ("rules", name, "on"), f"'{name}' is a built-in rule, and what it looks at is fixed"
        elif wanted is not None and wanted not in _EVENTS:
            yield ("rules", name, "on"), f"there is no event '{wanted}'{_near(wanted, _EVENTS)}"


def settings(table: Mapping[str, Any]) -> Settings:
    """Of a table without faults."""
    changed = dict(table.get("rules", {}))
    rules = [_changed(rule, changed.pop(rule.name, {})) for rule in BUILT_IN]
    rules += [_changed(Rule(name=name, says=on(_EVENTS[changes["on"]])), changes) for name, changes in changed.items()]
    return Settings(
        to=tuple(table.get("to", ())),
        level=_level(table.get("level")) or Level.WARNING,
        group_s=table.get("group", 10.0),
        rules=tuple(rule for rule in rules if rule is not None),
    )


def channels(asked: Settings, commands: Commands) -> list[Channel]:
    """Each place of `to:`, as what carries a message there."""
    return [
        ServiceChannel(_filled(place)) if isinstance(place, str) else CommandChannel(place["command"], commands)
        for place in asked.to
    ]


def _place_fault(place: str) -> str:
    missing = [name for name in _VARIABLE.findall(place) if not os.environ.get(name)]
    if missing:
        return f"the environment variable {' and '.join(missing)} is not set"
    return service_fault(_filled(place))


def _filled(place: str) -> str:
    """A token does not belong into a file that is committed: `${NAME}` is the environment's."""
    return _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), place)


def _changed(rule: Rule, changes: Mapping[str, Any]) -> Rule | None:
    if changes.get("off"):
        return None
    given: dict[str, Any] = {
        "level": _level(changes.get("level")),
        "threshold": changes.get("threshold"),
        "window_s": changes.get("window"),
        "cooldown_s": changes.get("cooldown"),
    }
    return replace(rule, **{key: value for key, value in given.items() if value is not None})


def _level(name: str | None) -> Level | None:
    return Level[name.upper()] if name else None


def _near(name: str, known: Any) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
