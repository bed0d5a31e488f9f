"""Sixty beads, checks of 2 s, five red only together with another, four places: a queue with the train and without.

Both in one run. Afterwards every commit of the target is checked again, one by one.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night
from tests.e2e.queues import look, queue

BEADS, RED, PLACES, SECONDS = 60, 5, 4, 2.0

figures = Figures(f"{BEADS} beads, checks of {SECONDS:g} s, {RED} red only together with another, {PLACES} places")
walls = {}
for train in (PLACES, 1):
    with tempfile.TemporaryDirectory(prefix="train-") as folder:
        night = Night(Path(folder) / "night")
        try:
            queue(night, beads=BEADS, red=RED, train=train, seconds=SECONDS)
            begun = time.perf_counter()
            done = night.run(timeout_s=1200)
            walls[train] = time.perf_counter() - begun
            assert done.returncode == 0, done.stdout + done.stderr
            assert night.look("prove")["holds"]
            seen = look(night)
            assert len(seen.landed) == len(set(seen.landed)) == BEADS, seen.landed
            assert not seen.out_of_order, seen.out_of_order
            assert not seen.red, seen.red
            assert not seen.twice, seen.twice
            named = f"train of {train}" if train > 1 else "one after another"
            figures.tell(f"{named}: wall", f"{walls[train]:8.2f} s")
            figures.tell(f"{named}: sent back, verdicts on merged trees", f"{len(seen.returned)}, {seen.checks}")
        finally:
            night.close()
figures.ask("wall with the train / without", walls[PLACES] / walls[1], "x", at_most=0.4)
figures.end()
