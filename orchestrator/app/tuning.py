"""How much more workers bring: a manifest's beads carried out by one, two, four … of them, in throw-away copies.

Nothing of it reaches the repository, a remote or a channel of alerts; what agents cost, they cost.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from orchestrator.app.loading import prepared
from orchestrator.app.night import carried_out
from orchestrator.app.orders import Exit, Order, Refused
from orchestrator.app.trial import Nobody
from orchestrator.core.model import Bead, BeadId, BeadState, Manifest
from orchestrator.core.state import State
from orchestrator.core.values import Struct, replace

WORTH = 1.1
"""Beads an hour, as a multiple of the best so far: less, twice in a row, and more workers are not tried."""


class Measured(Struct, frozen=True, kw_only=True):
    """So many workers, and what they brought."""

    workers: int
    beads: int
    """That were done."""
    seconds: float
    """From the first start to the last bead that was done, or to the end of the time."""
    rate: float
    """Beads an hour."""
    usd: float | None
    """None: nobody said."""


def sizes(up_to: int) -> list[int]:
    found = [1]
    while found[-1] * 2 <= up_to:
        found.append(found[-1] * 2)
    return found


def sample(manifest: Manifest, most: int) -> tuple[Bead, ...]:
    """Up to so many of its beads, in their order, with all that each needs; none waits for a person."""
    chosen: dict[BeadId, Bead] = {}
    for _ in manifest.beads:
        before = len(chosen)
        for bead in manifest.beads:
            if len(chosen) < most and bead.id not in chosen and not bead.hold and set(bead.needs) <= set(chosen):
                chosen[bead.id] = bead
        if len(chosen) == before:
            break
    return tuple(chosen.values())


def measured(manifest: Path, repo: Path | None, *, up_to: int, beads: int, each_s: float) -> Iterator[Measured]:
    """One after the other, until more bring next to nothing twice. Raises what `run` raises."""
    best, vain = 0.0, 0
    for workers in sizes(up_to):
        found = _measure(manifest, repo, workers, beads, each_s)
        yield found
        vain = vain + 1 if found.rate < best * WORTH else 0
        best = max(best, found.rate)
        if vain == 2:
            return


def _measure(manifest: Path, repo: Path | None, workers: int, beads: int, each_s: float) -> Measured:
    from orchestrator.repo.repository import open_repository
    from orchestrator.repo.throwaway import copy_repository

    asked = Order(manifest=manifest, repo=repo, workers=workers, fresh=True)
    _, loaded, catalog, repository = prepared(asked)
    chosen = sample(loaded.manifest, beads)
    if not chosen:
        raise Refused(f"{manifest} has no bead that could begin by itself")
    with tempfile.TemporaryDirectory(prefix="orchestrator-tune-") as folder:
        copy = Path(folder) / "copy.git"
        copy_repository(repository, copy, without=loaded.manifest.target)
        policy = replace(loaded.manifest.policy, push_to="", requests=None, closed=(), auto=False, workers=workers)
        whole = replace(loaded.manifest, beads=chosen, policy=policy)
        order = replace(asked, repo=copy, worktrees=Path(folder) / "worktrees")
        enough = threading.Timer(each_s, os.kill, (os.getpid(), signal.SIGTERM))
        enough.daemon = True
        enough.start()
        try:
            loaded = replace(loaded, manifest=whole, alerts={})
            outcome = carried_out(order, loaded, catalog, open_repository(copy), lambda _: Nobody())
        finally:
            enough.cancel()
        if outcome.code is Exit.INTERRUPTED and enough.is_alive():
            raise KeyboardInterrupt  # it was not our time that was up
        if outcome.code is Exit.NOTHING_STARTED:
            raise Refused("no agent could be started: `orchestrator doctor` shows more", Exit.NOTHING_STARTED)
        return _told(outcome.state, workers, each_s, stopped=outcome.code is Exit.INTERRUPTED)


def _told(state: State, workers: int, each_s: float, *, stopped: bool) -> Measured:
    done = [record for record in state.beads.values() if record.state is BeadState.DONE]
    last = state.latest if stopped or not done else max(record.since for record in done)
    seconds = max(min(last - state.opened_at, each_s), 0.001)
    usd = state.totals.usd if state.totals.attempts > state.totals.unpriced else None
    rate = round(3600.0 * len(done) / seconds, 1)
    return Measured(workers=workers, beads=len(done), seconds=round(seconds, 1), rate=rate, usd=usd)
