"""Plays many nights by their seeds and says how it went: `python -m tests.simulation.many 10000`.

Every invariant is checked after every step and at the end of each night. A night that breaks one is named by its seed.
`^C` stops it, and it says how to go on from there.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import Pool
from traceback import format_exception_only

from orchestrator.core import messages as m
from orchestrator.core.model import Ending
from tests.simulation.graphs import night_of
from tests.simulation.world import World

CHUNK = 20
"""Nights that a process is given at once."""
EVERY = 500
"""Nights from one line of progress to the next."""
TOLD = (
    m.AttemptStarted,
    m.BeadLanded,
    m.ProviderParked,
    m.ProviderHalfOpened,
    m.BreakerOpened,
    m.BreakerHalfOpened,
    m.ProviderSlowed,
    m.HoursClosed,
    m.BudgetWarned,
    m.RunPaused,
)


def _is_escalation(event: m.Event) -> bool:
    return isinstance(event, m.LocksAwaited) or (isinstance(event, m.LocksTaken) and not event.predicted)


def _is_deadlock(event: m.Event) -> bool:
    if isinstance(event, m.WaitEnded):
        return "in turn" in event.reason
    return isinstance(event, m.SessionGivenUp) and event.ending is Ending.PUT_BACK and "→" in event.reason


NIGHTS: dict[str, Callable[[m.Event], bool]] = {
    "an agent that goes beyond its files": _is_escalation,
    "an agent that waits for files": lambda event: isinstance(event, m.LocksAwaited),
    "a deadlock": _is_deadlock,
    "a bead put back": lambda event: isinstance(event, m.BeadReturned) and event.handed_back,
    "unfinished work that collides": lambda event: isinstance(event, m.CollisionSeen),
}
"""What is counted by the nights that had it."""


def night(seed: int) -> tuple[int, int, dict[str, int], str]:
    """Its steps, deaths, events by their kind and what else there was, and what broke."""
    world = World(*night_of(seed))
    try:
        world.run()
    except Exception as fault:
        return world.steps, world.deaths, {}, "".join(format_exception_only(fault)).strip()
    told = Counter(type(event).__name__ for event in world.log if isinstance(event, TOLD))
    told["probes"] = sum(isinstance(event, m.AttemptStarted) and event.probe for event in world.log)
    told.update(f"nights with {what}" for what, is_so in NIGHTS.items() if any(map(is_so, world.log)))
    return world.steps, world.deaths, dict(told), ""


def _heed_the_end_alone() -> None:
    """In a process that plays: `^C` is for the one that counts, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main() -> int:
    parser = argparse.ArgumentParser(description="Play nights of the simulation by their seeds.")
    parser.add_argument("nights", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="how many are played at once")
    asked = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell has what it puts into the background ignore the first
        signal.signal(number, signal.default_int_handler)
    seeds = range(asked.first, asked.first + asked.nights)
    began, steps, deaths, broken, played = time.monotonic(), 0, 0, 0, 0
    told: Counter[str] = Counter()
    try:
        with Pool(asked.jobs, _heed_the_end_alone) as pool:
            for seed, (took, died, kinds, fault) in zip(seeds, pool.imap(night, seeds, CHUNK), strict=True):
                played, steps, deaths, broken = played + 1, steps + took, deaths + died, broken + bool(fault)
                told.update(kinds)
                if fault:
                    print(f"seed {seed}: {fault}", flush=True)
                if played % EVERY == 0:
                    took_s = time.monotonic() - began
                    print(f"… seed {seed}, {broken} broken, {took_s:.0f} s", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"stopped: go on with `{len(seeds) - played} --first {seeds.start + played}`")
    print(f"{played:,} nights, {steps:,} signals, {deaths:,} deaths of ours, {broken} broken")
    for kind, count in sorted(told.items()):
        print(f"{count:>12,} {kind}")
    print(f"{time.monotonic() - began:.0f} s")
    return 130 if played < len(seeds) else int(broken > 0)


if __name__ == "__main__":
    raise SystemExit(main())
