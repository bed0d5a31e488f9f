"""The board as a person sees it in a terminal, fitted to its width and height."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.core.model import BeadState, BreakerState, RunState, WorkerState
from orchestrator.views.board import Board, Busy, Shut
from orchestrator.views.spending import cost_in_short
from orchestrator.views.times import moment, rough, span

STYLES: Mapping[BeadState, str] = {
    BeadState.WAITING: "dim",
    BeadState.READY: "",
    BeadState.RUNNING: "cyan",
    BeadState.VERIFYING: "cyan",
    BeadState.MERGING: "blue",
    BeadState.DONE: "green",
    BeadState.FAILED: "bold red",
    BeadState.BLOCKED: "red",
    BeadState.HELD: "bold yellow",
    BeadState.CANCELLED: "dim",
}
_WORKER_STYLES: Mapping[WorkerState, str] = {
    WorkerState.STARTING: "dim",
    WorkerState.RUNNING: "cyan",
    WorkerState.COMPLETING: "blue",
    WorkerState.TIMEOUT: "yellow",
    WorkerState.ERROR: "yellow",
    WorkerState.RECOVERY: "yellow",
}
_IN_ORDER = (
    BeadState.RUNNING, BeadState.VERIFYING, BeadState.MERGING, BeadState.READY, BeadState.WAITING,
    BeadState.HELD, BeadState.FAILED, BeadState.BLOCKED, BeadState.CANCELLED,
)  # fmt: skip


def panel(board: Board, now: float, *, height: int | None = None) -> RenderableType:
    """`height`: so many lines at most; workers that do not fit are counted."""
    shut = [_shut(each, now) for each in board.shut]
    lost = [
        Text(f"{worker} is given up: {reason}", style="red", no_wrap=True, overflow="ellipsis")
        for worker, reason in board.lost_workers
    ]
    head: list[RenderableType] = [_first_line(board, now), _bar(board), _counts(board)]
    foot: list[RenderableType] = [*_landing(board), *_hours(board, now), *shut, *lost]
    room = len(board.busy) if height is None else max(1, height - len(head) - len(foot) - 2)
    rows = board.busy
    if len(rows) > room:
        rows = rows[: room - 1]
        foot.insert(0, Text(f"… and {len(board.busy) - len(rows)} more workers are busy", style="dim"))
    return Group(*head, *([_workers(rows, now)] if rows else []), *foot)


def plain(text: str) -> Text:
    """Text of others is shown as it is: no markup, no line breaks, no control characters."""
    return Text("".join(each if each.isprintable() else " " for each in text))


def _first_line(board: Board, now: float) -> Table:
    left = Text(board.name, style="bold")
    if board.run is not RunState.RUNNING or board.stopping:
        word = "stopping" if board.stopping and board.ended is None else board.run.value
        left.append(f"  {word}", style="not bold yellow")
        if board.reason:
            left.append(f": {board.reason}", style="not bold yellow")
    left.append(f"  → {board.target}", style="not bold dim")
    right = [span((board.ended or now) - board.began)]
    if board.over_at is not None and board.ended is None and board.over_at > now:
        right.append(f"{rough(board.over_at - now)} left")
    if cost := cost_in_short(board.spent):
        right.append(cost)
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right", no_wrap=True)
    line.add_row(left, Text("  ".join(right)))
    return line


def _bar(board: Board) -> Table:
    done = board.counts[BeadState.DONE]
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(
        ProgressBar(total=max(1, board.total), completed=done, complete_style="green", finished_style="green"),
        Text(f"{done}/{board.total} done"),
    )
    return line


def _counts(board: Board) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for state in _IN_ORDER:
        if board.counts[state]:
            line.append(f"{board.counts[state]} {state.value}", style=STYLES[state]).append("  ")
    return line


def _workers(rows: tuple[Busy, ...], now: float) -> Table:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, max_width=20, overflow="ellipsis")
    table.add_column(no_wrap=True, ratio=2, overflow="ellipsis")
    table.add_column(no_wrap=True, max_width=16, overflow="ellipsis", style="dim")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, ratio=3, overflow="ellipsis", style="dim")
    for row in rows:
        table.add_row(
            row.worker,
            plain(row.bead),
            plain(row.title),
            plain(row.route),
            Text(row.state.value, style=_WORKER_STYLES.get(row.state, "")),
            span(now - row.started),
            plain(row.doing),
        )
    return table


def _landing(board: Board) -> list[RenderableType]:
    if board.landing is None:
        return []
    said = f"landing {board.landing}"
    if board.queued:
        said += f", {board.queued} more in the merge queue"
    return [Text(said, style="blue", no_wrap=True, overflow="ellipsis")]


def _hours(board: Board, now: float) -> list[RenderableType]:
    if board.closed_until is None or board.ended is not None:
        return []
    until = f"{moment(board.closed_until, now)} (in {span(board.closed_until - now)})"
    return [Text(f"nothing new starts until {until}", style="yellow")]


def _shut(shut: Shut, now: float) -> Text:
    if shut.state is BreakerState.HALF_OPEN:
        said = "is being probed"
    elif shut.until is None:
        said = "is shut until a person resumes it"
    else:
        said = f"is shut until {moment(shut.until, now)} (in {span(shut.until - now)})"
    because = f": {shut.reason}" if shut.reason else ""
    style = "yellow" if shut.until is not None or shut.state is BreakerState.HALF_OPEN else "red"
    return Text(f"{shut.route} {said}{because}", style=style, no_wrap=True, overflow="ellipsis")
