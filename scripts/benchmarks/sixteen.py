"""Sixteen beads, eight workers, a critical path of 14.0 s: how close a run comes to what the graph allows.

a1 takes 12 s and b1, which needs it, 2 s; a2 to a8 take 2 s and b2 to b8, which need them, 12 s each. Layers with a
barrier between them would take 24 s.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night, beads

figures = Figures("sixteen beads, 8 workers, critical path 14.0 s: worktrees, checks and landings included")
with tempfile.TemporaryDirectory(prefix="sixteen-") as folder:
    night = Night(Path(folder) / "night")
    try:
        night.make_repository()
        first = [f"a{number}" for number in range(1, 9)]
        second = [f"b{number}" for number in range(1, 9)]
        work = [*beads(first[:1], 12), *beads(first[1:], 2), *beads(second[:1], 2, {"b1": ["a1"]})]
        work += [bead for number in range(2, 9) for bead in beads([f"b{number}"], 12, {f"b{number}": [f"a{number}"]})]
        work = [{**bead, "verify": f"test -f {bead['id']}.txt"} for bead in work]
        night.write({"name": "night", "workers": 8, "verify": "test -f README.md", "beads": work})
        begun = time.perf_counter()
        done = night.run()
        wall = time.perf_counter() - begun
        assert done.returncode == 0, done.stdout + done.stderr
        assert night.look("prove")["holds"]
        figures.ask("wall, from the command to its return", wall, "s", at_most=15.0)
        figures.ask("wall / critical path", wall / 14.0, "x", at_most=15 / 14)
    finally:
        night.close()
figures.end()
