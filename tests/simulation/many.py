"""Plays many nights by their seeds and says how it went: `python -m tests.simulation.many 10000`.

Every invariant is checked after every step and at the end of each night. A night that breaks one is named by its seed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from traceback import format_exception_only

from orchestrator.core import messages as m
from tests.simulation.graphs import night_of
from tests.simulation.world import World

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


def night(seed: int) -> tuple[int, int, dict[str, int], str]:
    """Its steps, deaths, events by their kind, and what broke."""
    world = World(*night_of(seed))
    try:
        world.run()
    except Exception as fault:
        return world.steps, world.deaths, {}, "".join(format_exception_only(fault)).strip()
    told = Counter(type(event).__name__ for event in world.log if isinstance(event, TOLD))
    told["probes"] = sum(isinstance(event, m.AttemptStarted) and event.probe for event in world.log)
    return world.steps, world.deaths, dict(told), ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Play nights of the simulation by their seeds.")
    parser.add_argument("nights", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.nights)
    began, steps, deaths, broken = time.monotonic(), 0, 0, 0
    told: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for seed, (took, died, kinds, fault) in zip(seeds, pool.map(night, seeds, chunksize=20), strict=True):
            steps, deaths, broken = steps + took, deaths + died, broken + bool(fault)
            told.update(kinds)
            if fault:
                print(f"seed {seed}: {fault}", flush=True)
    print(f"{asked.nights:,} nights, {steps:,} signals, {deaths:,} deaths of ours, {broken} broken")
    for kind, count in sorted(told.items()):
        print(f"{count:>12,} {kind}")
    print(f"{time.monotonic() - began:.0f} s")
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())
