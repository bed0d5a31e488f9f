"""A hundred workers at once: three hundred beads, agents of 10 MB that work for most of a minute each."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import psutil

from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night

WORKERS, BEADS, WORK_S, EVERY_S = 100, 300, 45, 2.0
AGENT = f"""\
#!/bin/sh
# Holds 10 MB, says something every other second, then delivers.
exec python3 -S -c '
import os, time
held = bytearray(os.urandom(1)) * (3 << 20)
for _ in range({WORK_S // 2}):
    print("a line of work, with some more words so that it is as long as lines are", flush=True)
    time.sleep(2)
name = os.environ["ORCHESTRATOR_BEAD"]
open(name + ".txt", "w").write(name)
'
"""


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


figures = Figures(f"hundred: {WORKERS} workers at once, {BEADS} beads of {WORK_S} s")
with tempfile.TemporaryDirectory(prefix="hundred-") as folder:
    night = Night(Path(folder) / "night")
    try:
        night.make_repository()
        beads = [{"id": f"b{number:03}", "prompt": "work"} for number in range(BEADS)]
        night.write({"name": "night", "workers": WORKERS, "verify": "true", "disk_floor": 0, "beads": beads}, AGENT)
        begun = time.monotonic()
        run = night.start("--worktrees", str(night.worktrees))
        process = psutil.Process(run.pid)
        most_running, memory, cpu, answers, agents = 0, 0, 0.0, [], []
        while run.poll() is None:
            try:
                memory, cpu = max(memory, process.memory_info().rss), spent(process)
            except psutil.Error:
                break
            if (night.state / "state.db").exists() and time.monotonic() > begun + 1:
                asked = time.perf_counter()
                seen = night.look("status")
                answers.append(time.perf_counter() - asked)
                live = [worker["pid"] for worker in seen["workers"] if worker["state"] == "running" and worker["pid"]]
                if len(live) > most_running:
                    most_running = len(live)
                    agents = [psutil.Process(pid).memory_info().rss for pid in live if psutil.pid_exists(pid)]
            time.sleep(EVERY_S)
        took = time.monotonic() - begun
        code = run.wait()
        assert code == 0, (night.folder / "output").read_text()[-3000:]
        assert night.look("prove")["holds"]
        figures.ask("beads landed", len(night.landed("orchestrator/night")), "", at_least=BEADS)
        figures.ask("agents seen at work at once", most_running, "", at_least=WORKERS)
        figures.tell("memory of an agent, in the mean", f"{statistics.mean(agents) / 2**20:8.1f} MB")
        figures.tell("wall, and what the agents' own time would take", f"{took:8.1f} s, {WORK_S * BEADS / WORKERS} s")
        figures.ask("memory of the orchestrator, at the most", memory / 2**20, "MB", at_most=150)
        figures.ask("processor, of one core", cpu / took * 100, "%", at_most=25)
        figures.tell("`status` answers in, in the median", f"{statistics.median(answers):8.2f} s of {len(answers)}")
        figures.ask("`status` answers in, at the most", max(answers), "s", at_most=0.5)
    finally:
        night.close()
figures.end()
