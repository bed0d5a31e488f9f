"""The task graph as a Mermaid flowchart, for pages that draw those."""

from __future__ import annotations

from itertools import pairwise

from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import BeadId, Manifest


def as_mermaid(manifest: Manifest) -> str:
    """Left to right; the critical path is drawn thick, held beads are dashed."""
    graph = TaskGraph(manifest.beads)
    path = graph.critical_path()
    links = set(pairwise(path))
    names = {bead: f"b{place}" for place, bead in enumerate(graph.beads)}
    lines = ["flowchart LR"]
    lines += [f'  {names[bead]}["{_label(bead)}"]' for bead in graph.beads]
    for bead, spec in graph.beads.items():
        for need in spec.needs:
            arrow = "==>" if (need, bead) in links else "-->"
            lines.append(f"  {names[need]} {arrow} {names[bead]}")
    lines.append("  classDef critical stroke:#c2410c,stroke-width:3px")
    lines.append("  classDef held stroke-dasharray:4 3")
    lines += _classed("critical", [names[bead] for bead in path])
    lines += _classed("held", [names[bead] for bead, spec in graph.beads.items() if spec.hold])
    return "\n".join(lines) + "\n"


def _classed(name: str, nodes: list[str]) -> list[str]:
    return [f"  class {','.join(nodes)} {name}"] if nodes else []


def _label(bead: BeadId) -> str:
    """Quotes and brackets mean something to Mermaid."""
    return "".join(each if each.isalnum() or each in " -_./:" else f"#{ord(each)};" for each in bead)
