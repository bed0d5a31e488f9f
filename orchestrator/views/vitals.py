"""The health of workers, from their newest samples: as data, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from orchestrator.core.health import Health, health
from orchestrator.core.messages import Sampled
from orchestrator.core.model import Sample, WorkerId
from orchestrator.core.state import State
from orchestrator.views.panel import plain

AT_MOST = 20
"""Workers in the table: those who do worst."""

Healths = Mapping[WorkerId, tuple[Health, Sample]]


def healths(state: State, told: Sampled | None) -> Healths:
    """Of each worker with a session that was measured."""
    found: dict[WorkerId, tuple[Health, Sample]] = {}
    for sample in told.samples if told else ():
        attempt = state.live(sample.token)
        if told and attempt is not None:
            found[attempt.worker] = health(state, attempt.worker, sample, told.host), sample
    return found


def as_dict(found: Health) -> dict[str, Any]:
    return {
        part.name: {
            "weight": part.weight,
            "value": part.value,
            "reason": part.reason,
            "inputs": dict(part.inputs),
        }
        for part in found.parts
    }


def as_table(state: State, found: Healths) -> Table:
    """The worst first, each with what costs it most."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    table.add_column("worker", no_wrap=True)
    table.add_column("health", no_wrap=True, justify="right")
    table.add_column("cpu", no_wrap=True, justify="right")
    table.add_column("memory", no_wrap=True, justify="right")
    table.add_column("its weakest part", no_wrap=True, ratio=1, overflow="ellipsis")
    worst = sorted(found.items(), key=lambda each: (each[1][0].score, each[0]))[:AT_MOST]
    for worker, (one, sample) in worst:
        style = "red" if one.score < state.policy.health_floor else ""
        table.add_row(
            plain(worker),
            f"{one.score:.2f}",
            f"{sample.cpu_share:.0%}",
            f"{sample.memory / 2**20:.0f} MiB",
            plain(f"{one.weakest.name}: {one.weakest.reason}"),
            style=style,
        )
    return table
