"""`status` for people: what runs, the health of the worst, and the beads of which there is something to say."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.core.messages import Sampled
from orchestrator.core.model import BeadState, WorkerState
from orchestrator.core.records import BeadRecord
from orchestrator.core.state import State
from orchestrator.views.board import board
from orchestrator.views.headline import flaky_in_words, headline
from orchestrator.views.panel import STYLES, panel, plain
from orchestrator.views.pull_requests import pull_requests_in_words
from orchestrator.views.times import span
from orchestrator.views.vitals import Healths, healths

ALL_SHOWN = 40
"""Up to so many beads a terminal is shown each; of more, only those of which there is something to say."""
WORST = 20
"""Workers of which the health is shown."""


def render_status(state: State, now: float, samples: Sampled | None = None) -> RenderableType:
    shown = list(state.beads.values())
    left_out = 0
    if len(shown) > ALL_SHOWN:
        quiet = (BeadState.DONE, BeadState.WAITING, BeadState.READY)
        telling = [record for record in shown if record.state not in quiet]
        left_out = len(shown) - len(telling)
        shown = telling
    parts: list[RenderableType] = [Text(headline(state), style="bold"), panel(board(state), now)]
    if state.fits == 0 and state.ended_at is None:
        parts.append(Text(f"nothing new starts, the machine is short: {state.tight}", style="yellow"))
    if found := healths(state, samples):
        parts += [Text(""), _healths(state, found)]
    if shown:
        parts.append(Text(""))
        parts.append(_beads(shown, now))
    if left_out:
        parts.append(Text(f"{left_out} more are done, ready or waiting; --json lists every one", style="dim"))
    for attempt in state.attempts.values():
        for each in attempt.collisions if state.has_worker(attempt) else ():
            parts.append(
                plain(f"{attempt.bead} does not merge with {each.other or 'the target'}: {', '.join(each.paths)}")
            )
    if state.push_fault:
        parts.append(plain(f"not pushed to {state.policy.push_to}: {state.push_fault}"))
    if any(each.fault or each.doubt for each in state.requests.values()):
        parts.append(plain(pull_requests_in_words(state)))
    if state.flickers:
        parts.append(plain(f"flaky checks: {flaky_in_words(state.flickers)}"))
    idle = state.worker_counts[WorkerState.IDLE]
    if idle and state.ended_at is None:
        parts.append(Text(f"{idle} of {len(state.workers)} workers are idle", style="dim"))
    return Group(*parts)


def render_workers(state: State, now: float, samples: Sampled | None = None) -> RenderableType:
    """Every worker: what it does, for how long, how it is, and why it does nothing."""
    found = healths(state, samples)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    for name in ("worker", "state", "bead"):
        table.add_column(name, no_wrap=True)
    table.add_column("for", no_wrap=True, justify="right")
    table.add_column("health", no_wrap=True, justify="right")
    table.add_column("why, or what it does", no_wrap=True, ratio=1, overflow="ellipsis")
    for worker in state.workers.values():
        attempt = state.attempts[worker.token] if worker.token is not None else None
        still = attempt is not None and attempt.suspended is not None
        doing = "suspended: " + state.tight if still else attempt.note if attempt else worker.reason
        table.add_row(
            plain(worker.id),
            Text(worker.state.value, style="red" if worker.state is WorkerState.FAILED else ""),
            plain(attempt.bead if attempt else ""),
            span(now - worker.since),
            f"{found[worker.id][0].score:.2f}" if worker.id in found else "",
            plain(doing),
        )
    return table


def _beads(records: list[BeadRecord], now: float) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    table.add_column("bead", no_wrap=True, max_width=24)
    table.add_column("state", no_wrap=True)
    table.add_column("for", no_wrap=True, justify="right")
    table.add_column("attempts", no_wrap=True, justify="right")
    table.add_column("commit", no_wrap=True)
    table.add_column("why, or what it is", no_wrap=True, ratio=1, overflow="ellipsis")
    for record in records:
        table.add_row(
            plain(record.spec.id),
            Text(record.state.value, style=STYLES[record.state]),
            span(now - record.since),
            str(record.attempts) if record.attempts else "",
            (record.commit or "")[:7],
            plain(record.reason or record.spec.title),
        )
    return table


def _healths(state: State, found: Healths) -> Table:
    """The worst first, each with what costs it most."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", expand=True)
    table.add_column("worker", no_wrap=True)
    table.add_column("health", no_wrap=True, justify="right")
    table.add_column("cpu", no_wrap=True, justify="right")
    table.add_column("memory", no_wrap=True, justify="right")
    table.add_column("its weakest part", no_wrap=True, ratio=1, overflow="ellipsis")
    worst = sorted(found.items(), key=lambda each: (each[1][0].score, each[0]))[:WORST]
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
