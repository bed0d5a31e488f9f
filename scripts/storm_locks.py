"""Many processes on one lock table, killed at random: what must hold of locks, counted.

Each process takes a bead with a few exclusive and shared files, works, lets go, and counts. A witness outside the
database, in shared memory, shows whether two ever held a file at once: a holder writes its token into the file's slot,
and finds it there when it leaves. Some are killed while they hold; some are stopped until others have given them up for
dead, and then find that their token is refused.
"""

from __future__ import annotations

import argparse
import mmap
import multiprocessing
import os
import random
import signal
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.model import Claim
from orchestrator.runtime.locking import Lease, StaleToken
from orchestrator.store import Database, SqliteLocks
from orchestrator.store.connections import FILE

LEASE_S = 1.5
FILES = 800
CELL = struct.Struct("<q")
FOLDERS = 40
GRANTED, OVERLAPS, FENCED, LONGEST_US, WAITED_US = range(5)
"""What each process counts, a cell each; then a cell for each file."""
FIGURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    granted: int
    overlaps: int
    """Two held a file at once, both with a lease that stood: must be none."""
    fenced: int
    """Stale tokens that were refused."""
    kills: int
    stops: int
    longest_s: float
    """That anybody waited for a lease."""
    mean_ms: float
    leaked: int
    """Leases that stood when all were gone and their time was over: must be none."""
    least: int
    """Leases of the process that had fewest: starved ones have hardly any."""
    most: int
    seconds: float


class Board:
    """Cells that all processes share: figures of each, and who is in which file."""

    def __init__(self, processes: int) -> None:
        self._cells = mmap.mmap(-1, CELL.size * (processes * FIGURES + FILES))
        self._files = processes * FIGURES

    def get(self, cell: int) -> int:
        value: int = CELL.unpack_from(self._cells, cell * CELL.size)[0]
        return value

    def put(self, cell: int, value: int) -> None:
        CELL.pack_into(self._cells, cell * CELL.size, value)

    def add(self, process: int, figure: int, more: int = 1) -> None:
        cell = process * FIGURES + figure
        self.put(cell, self.get(cell) + more)

    def figure(self, process: int, figure: int) -> int:
        return self.get(process * FIGURES + figure)

    def file(self, file: int) -> int:
        return self._files + file


def path_of(file: int) -> str:
    return f"src/part{file % FOLDERS}/f{file}.py"


def wish(dice: random.Random) -> tuple[list[Claim], list[int]]:
    """Five files, some of them only to read; now and then a whole folder. The files that are to be its own alone."""
    if dice.random() < 0.02:
        folder = dice.randrange(FOLDERS)
        return [Claim(pattern=f"src/part{folder}/**")], [n for n in range(FILES) if n % FOLDERS == folder]
    chosen = dice.sample(range(FILES), 5)
    own = [file for file in chosen if dice.random() < 0.7]
    return [Claim(pattern=path_of(file), shared=file not in own) for file in chosen], own


def worker(place: int, state: Path, board: Board, wanted: int, seed: int) -> None:
    """Until all together have had as many leases as are wanted."""
    dice, owner = random.Random(seed), f"process {os.getpid()}"
    table, processes = SqliteLocks.open(state / FILE), board._files // FIGURES
    table.renew(owner, time.time() + LEASE_S)
    count = 0
    while sum(board.figure(each, GRANTED) for each in range(processes)) < wanted:
        claims, own = wish(dice)
        begun = time.monotonic()
        lease, heartbeat = None, begun
        while lease is None:
            if time.monotonic() > heartbeat + LEASE_S / 4:
                heartbeat = time.monotonic()
                table.renew(owner, time.time() + LEASE_S)
            try:
                answer = table.acquire(owner, None, f"{owner} {count}", claims, time.time())
            except StaleToken:  # it was stopped, and given up for dead
                table.renew(owner, time.time() + LEASE_S)
                continue
            if isinstance(answer, Lease):
                lease = answer
            else:
                time.sleep(dice.uniform(0.0, 0.004))
        waited = int((time.monotonic() - begun) * 1e6)
        count += 1
        board.add(place, WAITED_US, waited)
        longest = place * FIGURES + LONGEST_US
        board.put(longest, max(board.get(longest), waited))
        for file in own:
            board.put(board.file(file), lease.token)
        if dice.random() < 0.1:
            time.sleep(dice.uniform(0.0, 0.002))
        intruded = any(board.get(board.file(file)) != lease.token for file in own)
        try:
            table.check(lease.token, time.time())
        except StaleToken:
            board.add(place, FENCED)
        else:
            board.add(place, OVERLAPS, int(intruded))
            board.add(place, GRANTED)
        table.release(lease.token)
        if count % 50 == 0:
            table.renew(owner, time.time() + LEASE_S)
    table.resign(owner)


def storm(processes: int, acquisitions: int, *, kill_every_s: float, seed: int, folder: Path) -> Told:
    Database.write(folder).close()
    board, dice, begun = Board(processes), random.Random(seed), time.monotonic()
    fork = multiprocessing.get_context("fork")

    def start(place: int) -> multiprocessing.process.BaseProcess:
        process = fork.Process(target=worker, args=(place, folder, board, acquisitions, dice.randrange(2**32)))
        process.start()
        return process

    running = [start(place) for place in range(processes)]
    kills = stops = 0
    frozen: list[tuple[float, int]] = []
    try:
        while any(process.is_alive() for process in running):
            time.sleep(dice.uniform(0.0, 2 * kill_every_s))
            while frozen and frozen[0][0] < time.monotonic():
                os.kill(frozen.pop(0)[1], signal.SIGCONT)
            place = dice.randrange(processes)
            process = running[place]
            if not process.is_alive() or process.pid in {pid for _, pid in frozen} or process.pid is None:
                continue
            if dice.random() < 0.15:
                stops += 1
                os.kill(process.pid, signal.SIGSTOP)
                frozen.append((time.monotonic() + LEASE_S * 1.5, process.pid))
            elif sum(board.figure(each, GRANTED) for each in range(processes)) < acquisitions:
                kills += 1
                process.kill()
                process.join()
                running[place] = start(place)
    finally:
        for _, pid in frozen:
            os.kill(pid, signal.SIGCONT)
        for process in running:
            process.join(60)
            process.kill()
    table = SqliteLocks.open(folder / FILE)
    table.expire(time.time() + LEASE_S)
    each = [board.figure(place, GRANTED) for place in range(processes)]
    granted = sum(each)
    return Told(
        granted=granted,
        overlaps=sum(board.figure(place, OVERLAPS) for place in range(processes)),
        fenced=sum(board.figure(place, FENCED) for place in range(processes)),
        kills=kills,
        stops=stops,
        longest_s=max(board.figure(place, LONGEST_US) for place in range(processes)) / 1e6,
        mean_ms=sum(board.figure(place, WAITED_US) for place in range(processes)) / max(granted, 1) / 1e3,
        leaked=len(table.leases()),
        least=min(each),
        most=max(each),
        seconds=time.monotonic() - begun,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--acquisitions", type=int, default=100_000)
    parser.add_argument("--kill-every", type=float, default=0.5, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storm-locks-") as folder:
        told = storm(
            options.processes, options.acquisitions, kill_every_s=options.kill_every, seed=options.seed,
            folder=Path(folder) / "state",
        )  # fmt: skip
    print(f"{options.processes} processes, {told.kills} killed, {told.stops} stopped and given up for dead")
    print(f"{told.granted:,} acquisitions in {told.seconds:.0f} s ({told.granted / told.seconds:,.0f}/s)")
    print(f"two in one file: {told.overlaps}; leaked: {told.leaked}; stale tokens refused: {told.fenced}")
    print(f"a lease was waited for {told.mean_ms:.1f} ms in the mean, {told.longest_s:.2f} s at the most")
    print(f"leases of a process: from {told.least:,} to {told.most:,}")
    return 1 if told.overlaps or told.leaked or told.granted < options.acquisitions else 0


if __name__ == "__main__":
    sys.exit(main())
