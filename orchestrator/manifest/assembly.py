"""Drafts and settings put together to beads.

Knows which setting stands in for what a bead leaves out, and which agents are known by name. Does not know files,
nor what an agent can do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from orchestrator.core.model import SHELL_ROUTE, Bead, BeadId, RouteName
from orchestrator.manifest.drafts import Draft
from orchestrator.manifest.faults import Fault, Unfit, nearest
from orchestrator.manifest.layers import Layers
from orchestrator.manifest.names import agent_of

MAX_NAMED = 3
"""Beads that a message names before it counts."""


def bead_of(draft: Draft, layers: Layers, *, only: RouteName | None) -> Bead:
    """The bead. With `only`, that is the route of every bead with a prompt."""
    table = draft.table
    settled: dict[str, Any] = {
        "timeout_s": _or(table.timeout, layers.get("defaults", "timeout")),
        "silence_s": _or(table.silence, layers.get("defaults", "silence")),
        "tries": _or(table.tries, layers.get("defaults", "tries")),
        "priority": _or(table.priority, layers.get("defaults", "priority")),
        "files": _or(table.files, layers.get("defaults", "files")),
        "verify": _or(table.verify, layers.get("defaults", "verify")),
    }
    return Bead(
        id=BeadId(table.id),
        title=_title(draft),
        prompt=table.prompt,
        command=table.run,
        needs=tuple(dict.fromkeys(BeadId(need) for need in table.needs or ())),
        routes=(SHELL_ROUTE,) if table.run is not None else chain(draft, layers, only=only),
        estimate_s=table.estimate,
        hold=table.hold or "",
        labels=table.labels or (),
        **{name: value for name, value in settled.items() if value is not None},
    )


def chain(draft: Draft, layers: Layers, *, only: RouteName | None) -> tuple[RouteName, ...]:
    """The routes of a bead with a prompt, each once."""
    if only is not None:
        return (only,)
    routes = draft.table.routes
    if routes is None:
        routes = layers.first(("defaults", "routes"), ("routes",)) or ()
    return tuple(dict.fromkeys(routes))


def agent_faults(drafts: Sequence[Draft], layers: Layers, known: Collection[str]) -> Iterator[Fault]:
    """Routes to agents that nobody knows, wherever they stand, asked for or not."""
    for layer in layers.layers:
        for path, routes in (
            (("routes",), layer.table.routes),
            (("defaults", "routes"), layer.table.defaults.routes),
        ):
            for step, unfit in _unknown(routes or (), known):
                where = layer.document.at((*path, step))
                yield layer.document.fault(where, unfit.message, expected=unfit.expected, hint=unfit.hint)
    for draft in drafts:
        for step, unfit in _unknown(draft.table.routes or (), known):
            yield draft.fault("routes", step, message=unfit.message, expected=unfit.expected, hint=unfit.hint)


def unknown_agent(route: str, known: Collection[str]) -> Unfit:
    agent = agent_of(route)
    expected = "one of " + ", ".join(sorted(known))
    return Unfit(f"unknown agent '{agent}'", expected=expected, hint=nearest(agent, known))


def no_routes(drafts: Sequence[Draft], layers: Layers, *, only: RouteName | None) -> Fault | None:
    """One fault for all beads that nobody may carry out; None if there are none, or if routes are there but unfit."""
    if layers.at_fault("routes") or layers.at_fault("defaults", "routes"):
        return None
    lacking = [
        draft
        for draft in drafts
        if draft.table.prompt is not None and not draft.at_fault("routes") and not chain(draft, layers, only=only)
    ]
    if not lacking:
        return None
    named = ", ".join(f"'{draft.id}'" for draft in lacking[:MAX_NAMED])
    more = f" and {len(lacking) - MAX_NAMED} more" if len(lacking) > MAX_NAMED else ""
    return lacking[0].fault(
        message=f"no routes: nothing says which agent carries out {named}{more}",
        expected="'routes' in the bead, the manifest or orchestrator.toml, or --agent",
    )


def route_notes(drafts: Sequence[Draft]) -> Iterator[str]:
    for draft in drafts:
        routes = draft.table.routes or ()
        if routes and draft.table.run is not None:
            yield f"'{draft.id}' is carried out by a command: its 'routes' are not used"
        elif len(set(routes)) < len(routes):
            yield f"'{draft.id}' names a route twice: the first time counts"


def _unknown(routes: Sequence[str], known: Collection[str]) -> Iterator[tuple[int, Unfit]]:
    for step, route in enumerate(routes):
        if agent_of(route) not in known:
            yield step, unknown_agent(route, known)


def _title(draft: Draft) -> str:
    table = draft.table
    text = table.title or (table.prompt or "").strip().partition("\n")[0] or table.id
    return " ".join(text.split())


def _or(own: Any, default: Any) -> Any:
    return default if own is None else own
