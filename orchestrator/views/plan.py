"""`plan`: what would run and in which order, as data, as a table, as a diagram and as a picture.

Knows the manifest only: nothing has run, and nothing is touched. The keys of the data are a contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.core.graph import DEFAULT_ESTIMATE_S, Collision, TaskGraph
from orchestrator.core.model import Bead, BeadId, Claim, Guess, Manifest
from orchestrator.views.diagram import as_mermaid
from orchestrator.views.panel import plain
from orchestrator.views.picture import NoPictures, as_svg
from orchestrator.views.times import span

__all__ = ["NoPictures", "as_mermaid", "as_svg", "plan", "render_plan"]

NAMED = 6
"""Beads that a table names before it counts."""


Predicted = Mapping[BeadId, tuple[Guess, ...]]
"""Of beads that name no files: those that they would be locked for all the same."""


def plan(manifest: Manifest, predicted: Predicted = MappingProxyType({})) -> dict[str, Any]:
    """Beads in the order in which they would be taken, by wave; `wave` is the place in `waves`, from 0."""
    graph = TaskGraph(manifest.beads)
    waves = graph.waves()
    return {
        "beads": [
            _bead(graph.beads[bead], number, predicted.get(bead, ()))
            for number, wave in enumerate(waves)
            for bead in wave
        ],
        "skipped": [{"id": each.id, "reason": each.reason} for each in manifest.skipped],
        "waves": [list(wave) for wave in waves],
        "critical_path": graph.critical_path(),
        "critical_s": graph.critical_seconds(),
        "collisions": [[each.one, each.other, list(each.patterns)] for each in graph.collisions()],
        "width": graph.width(),
    }


def _bead(bead: Bead, wave: int, predicted: tuple[Guess, ...]) -> dict[str, Any]:
    return {
        "id": bead.id,
        "state": "waiting" if bead.needs or bead.hold else "ready",
        "needs": list(bead.needs),
        "wave": wave,
        "priority": bead.priority,
        "files": [_written(claim) for claim in bead.files],
        "predicted": [{"path": guess.path, "confidence": guess.confidence, "why": guess.why} for guess in predicted],
        "estimate_s": bead.estimate_s,
        "title": bead.title,
        "routes": list(bead.routes),
        "hold": bead.hold or None,
    }


def _written(claim: Claim) -> str:
    return f"read:{claim.pattern}" if claim.shared else claim.pattern


# ---------------------------------------------------------------- for people


def render_plan(manifest: Manifest, predicted: Predicted = MappingProxyType({})) -> RenderableType:
    graph = TaskGraph(manifest.beads)
    waves, critical = graph.waves(), graph.critical_path()
    guessed = any(graph.beads[bead].estimate_s is None for bead in critical)
    parts: list[RenderableType] = []
    if waves:
        parts += [_table(graph, waves, frozenset(critical)), Text(""), _summary(graph, manifest)]
        takes = f", {span(graph.critical_seconds())}"
        takes += f" with {span(DEFAULT_ESTIMATE_S)} for each without an estimate" if guessed else ""
        parts.append(_titled("critical path", f"{' → '.join(critical)} ({len(critical)} beads{takes})"))
    else:
        parts.append(Text("There is nothing to do."))
    parts += [_titled("collision", _collision(each)) for each in graph.collisions()]
    parts += [_titled("predicted", f"{bead} may touch {_guessed(guesses)}") for bead, guesses in predicted.items()]
    held = [bead for bead in manifest.beads if bead.hold]
    parts += [_titled("held", f"{bead.id}: {bead.hold}") for bead in held]
    if not manifest.verify and waves:
        parts.append(Text("no checks: `verify` is empty, so a merge is checked by nothing but itself", style="yellow"))
    parts += _skipped(manifest)
    return Group(*parts)


def _table(graph: TaskGraph, waves: list[list[BeadId]], critical: frozenset[BeadId]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=False)
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("wave", justify="right", no_wrap=True)
    table.add_column("prio", no_wrap=True)
    table.add_column("bead", no_wrap=True, max_width=28, overflow="ellipsis")
    table.add_column("needs", max_width=30)
    table.add_column("files", max_width=36, overflow="fold")
    estimated = any(spec.estimate_s is not None for spec in graph.beads.values())
    if estimated:
        table.add_column("about", justify="right", no_wrap=True)
    place = 0
    for number, wave in enumerate(waves, 1):
        for bead in wave:
            place += 1
            spec = graph.beads[bead]
            about = span(spec.estimate_s) if spec.estimate_s is not None else ""
            table.add_row(
                str(place),
                str(number),
                f"P{spec.priority}",
                Text(bead, style="bold" if bead in critical else ""),
                plain(_some(list(spec.needs))),
                plain(_some([_written(claim) for claim in spec.files])),
                *([about] if estimated else []),
            )
    return table


def _summary(graph: TaskGraph, manifest: Manifest) -> Text:
    beads, waves = _count(len(graph.beads), "bead"), _count(len(graph.waves()), "wave")
    workers = _count(manifest.policy.workers, "worker")
    return Text(f"{beads} in {waves}; at most {graph.width()} side by side, with {workers}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _titled(title: str, text: str) -> Text:
    return Text.assemble((f"{title}: ", "dim"), plain(text))


def _guessed(guesses: tuple[Guess, ...]) -> str:
    return _some([f"{guess.path} ({guess.confidence:.0%}, {guess.why})" for guess in guesses])


def _collision(collision: Collision) -> str:
    return f"{collision.one} and {collision.other} never run at once: {', '.join(collision.patterns)}"


def _skipped(manifest: Manifest) -> list[RenderableType]:
    by_reason: dict[str, list[str]] = {}
    for each in manifest.skipped:
        by_reason.setdefault(each.reason, []).append(each.id)
    return [
        _titled(f"skipped ({reason})", f"{_count(len(beads), 'bead')}: {_some(beads)}")
        for reason, beads in by_reason.items()
    ]


def _some(names: list[str]) -> str:
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more"
