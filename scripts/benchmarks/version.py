"""How long `orchestrator --version` takes: the least that any command costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from scripts.benchmarks.figures import Figures


def seconds(*argv: str) -> float:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        return time.perf_counter() - begun

    return statistics.median(once() for _ in range(11))


figures = Figures("orchestrator --version")
bare = seconds(sys.executable, "-c", "pass")
asked = seconds(sys.executable, "-m", "orchestrator", "--version")
figures.tell("Python alone", f"{bare:8.3f} s")
figures.ask("orchestrator --version", asked, "s", at_most=0.2)
figures.end()
