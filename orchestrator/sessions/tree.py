"""The processes that one program started, wherever they went, and how they are ended.

Knows their kinship: the leader's session and group, its descendants, and the marks in their environments. Does not
know what the program was for, and reads no terminal.

A process may have left all of that behind: forked twice, in a session of its own, its environment wiped. At the end
it is known by the folder that it works in, if every one of these holds:
- its working folder is in the worktree of the leader, and it is this user's;
- it, and its session, started after the leader;
- it is an orphan: its parent is who gets our orphans (pid 1, or a subreaper above us);
- it has no controlling terminal, or the leader's;
- nothing says that it is somebody else's: a mark, a display, another control group (`somebody_elses`).
So a shell that a person opened in the worktree is spared, and so is what they started there, while their shell waits
for it or their terminal is open. What a person left running there without any terminal, display and shell, in our own
control group (a server that they detached by `setsid` in a pane of our own `tmux`, say) is ended: it cannot be told.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator.sessions.processes import Census, Row, Table, adopter, read_row, send, somebody_elses

KILLED_S = 10.0
"""How long a killed process may take to vanish. One that hangs in the kernel may take for ever, but it will not run
another instruction of its own: what it could still do to a worktree, it has done."""


class Tree:
    """What is left of one leader and all that came of it. Valid until the leader is reaped: till then its pid,
    and so the number of its session and group, cannot be anybody else's.

    A child that left the session, wiped its environment and was orphaned, all between two looks, is found only at the
    end and by its folder.
    """

    def __init__(self, leader: Row, *, mark: str, token: str, census: Census, folder: Path | None = None) -> None:
        """`folder`: the worktree, if it is the leader's alone."""
        self.leader = leader
        self._mark = mark
        self._token = token
        self._census = census
        self._folder = folder
        self._known: dict[tuple[int, int], Row] = {leader.name: leader}

    def look_at_end(self, newer_than: float) -> list[Row]:
        """As `look`, with those that are known by their folder only."""
        return self.look(newer_than, strays=True)

    def look(self, newer_than: float, *, marks: bool = True, strays: bool = False) -> list[Row]:
        """Those alive, the leader too, as of some moment after `newer_than` (monotonic).

        Without `marks` it costs half, and those are missed that left the session and were orphaned unseen.
        """
        table = self._census.table(newer_than=newer_than)
        members = _with_descendants(table, self._roots(table, marks, strays))
        self._known = {row.name: row for row in members}
        return members

    def members(self, table: Table) -> list[Row]:
        """Those alive in a table that was taken anyway, without the search for marks. From any thread."""
        return _with_descendants(table, self._roots(table, marks=False, strays=False))

    def _roots(self, table: Table, marks: bool, strays: bool) -> Iterable[Row]:
        for pid, started in self._known:
            row = table.rows.get(pid)
            if row is not None and row.started == started:
                yield row
        yield from table.sessions.get(self.leader.pid, ())
        yield from table.groups.get(self.leader.pid, ())
        if marks:
            yield from table.marked(self._mark).get(self._token, ())
        if strays and self._folder is not None:
            terminals = {0, self.leader.terminal}
            for row in table.orphans(
                [self._folder], adopters=adopter(table), terminals=terminals, since=self.leader.started
            ):
                if not somebody_elses(row.pid):
                    yield row


def _with_descendants(table: Table, roots: Iterable[Row]) -> list[Row]:
    found: dict[int, Row] = {}
    rest = list(roots)
    while rest:
        row = rest.pop()
        if row.pid not in found and row.pid not in table.ourselves:
            found[row.pid] = row
            rest += table.children.get(row.pid, ())
    # Parents before their children: a shell whose child is ended first would go on with its next command.
    return sorted((row for row in found.values() if row.alive), key=lambda row: (row.started, row.pid))


def end(
    look: Callable[[float], list[Row]],
    *,
    kill_at: Callable[[], float],
    wait: Callable[[float], None],
) -> list[Row]:
    """SIGTERM, a grace until `kill_at()` (monotonic, asked again and again: it may be brought forward), SIGKILL.

    `look(newer_than)` says who is there. New ones are met with what the others had. Returns those that could not
    be ended: they belong to another user, or hang in the kernel.
    """
    told: set[tuple[tuple[int, int], signal.Signals]] = set()
    spared: dict[tuple[int, int], Row] = {}
    give_up = float("inf")
    while alive := [row for row in look(time.monotonic()) if row.name not in spared]:
        if time.monotonic() >= give_up:
            return [*spared.values(), *alive]
        killing = time.monotonic() >= kill_at()
        if killing and give_up == float("inf"):
            give_up = time.monotonic() + KILLED_S
        number = signal.SIGKILL if killing else signal.SIGTERM
        for row in alive:
            if (row.name, number) not in told:
                told.add((row.name, number))
                try:
                    send(row, number)
                    if row.stopped and not killing:
                        send(row, signal.SIGCONT)  # else it hears of its grace when that is over
                except PermissionError:
                    spared[row.name] = row
        pause = 0.002
        while any(_lives(row) for row in alive if row.name not in spared):
            if not killing and time.monotonic() >= kill_at():
                break
            if time.monotonic() >= give_up:
                break
            wait(pause)
            pause = min(pause * 2, 0.1)
    return list(spared.values())


def _lives(row: Row) -> bool:
    now = read_row(row.pid)
    return now is not None and now.name == row.name and now.alive
