"""A bead with five files: taken from the lock table, beside a plain transaction that inserts six rows.

On one database with the leases of a hundred beads at work, in turn, so that both meet the same machine.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

from orchestrator.core.model import Claim
from orchestrator.runtime.locking import Lease
from orchestrator.store import Database, SqliteLocks
from orchestrator.store.connections import FILE
from scripts.benchmarks.figures import Figures

HELD = 100
ROUNDS = 2000


def files(bead: int) -> list[Claim]:
    return [Claim(pattern=f"src/part{bead}/{name}") for name in ("a.py", "b.py", "c.py", "d/**", "*.toml")]


def main() -> None:
    figures = Figures(f"locks: one bead and five files, {HELD} beads hold as many")
    with tempfile.TemporaryDirectory(prefix="bench-locks-") as folder:
        state = Path(folder) / "state"
        Database.write(state).close()
        table = SqliteLocks.open(state / FILE)
        plain = sqlite3.connect(state / FILE, isolation_level=None)
        plain.execute("PRAGMA synchronous = NORMAL")
        plain.execute("CREATE TABLE plain (id INTEGER, name TEXT, shared INTEGER)")
        table.renew("bench", time.time() + 3600.0)
        for bead in range(HELD):
            table.acquire("bench", None, f"b{bead}", files(bead), time.time())
        took: dict[str, list[float]] = {"lease": [], "plain": []}
        for n in range(ROUNDS):
            claims = files(HELD + n)
            begun = time.perf_counter()
            lease = table.acquire("bench", None, f"b{HELD + n}", claims, time.time())
            took["lease"].append(time.perf_counter() - begun)
            assert isinstance(lease, Lease)
            table.release(lease.token)
            begun = time.perf_counter()
            plain.execute("BEGIN IMMEDIATE")
            plain.executemany(
                "INSERT INTO plain VALUES (?, ?, ?)", [(n, claim.pattern, 0) for claim in [*claims, claims[0]]]
            )
            plain.execute("COMMIT")
            took["plain"].append(time.perf_counter() - begun)
    half, high = {}, {}
    for name, each in took.items():
        each.sort()
        half[name], high[name] = (each[int(len(each) * part)] * 1000.0 for part in (0.5, 0.99))
    figures.tell("a plain transaction: half are within, 99 of 100", f"{half['plain']:.2f} ms, {high['plain']:.2f} ms")
    figures.tell("a lease: half are within, 99 of 100", f"{half['lease']:.2f} ms, {high['lease']:.2f} ms")
    figures.ask("half of the leases beside half of the plain ones", half["lease"] / half["plain"], "x", at_most=20.0)
    figures.end()


if __name__ == "__main__":
    main()
