"""What a hundred live sessions that print five lines a second cost the orchestrator itself."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night

SESSIONS = 100
WATCHED_S = 20.0
AGENT = """\
#!/bin/sh
while :; do echo "a line of work, with some more words so that it is as long as lines are"; sleep 0.2; done
"""


def running(night: Night) -> int:
    if not night.has_begun():
        return 0
    return sum(bead["state"] == "running" for bead in night.look("status")["beads"])


figures = Figures(f"sessions: {SESSIONS} of them, 5 lines a second each, for {WATCHED_S:g} s")
with tempfile.TemporaryDirectory(prefix="sessions-") as folder:
    night = Night(Path(folder) / "night")
    try:
        night.make_repository()
        beads = [{"id": f"b{number}", "prompt": "talk"} for number in range(SESSIONS)]
        settings = {"name": "night", "workers": SESSIONS, "max_starts": SESSIONS, "grace": "1s"}
        night.write({**settings, "beads": beads}, AGENT)
        run = night.start()
        while running(night) < SESSIONS:
            assert run.poll() is None, (night.folder / "output").read_text()
            time.sleep(0.5)
        process = psutil.Process(run.pid)
        time.sleep(3)
        before = process.cpu_times()
        begun = time.monotonic()
        time.sleep(WATCHED_S)
        took = time.monotonic() - begun
        after = process.cpu_times()
        cpu = (after.user + after.system - before.user - before.system) / took * 100
        lines = sum(file.read_text().count("a line of work") for file in night.state.glob("recordings/*.cast"))
        figures.tell("lines recorded", f"{lines:8d}")
        figures.ask("memory of the orchestrator", process.memory_info().rss / 2**20, "MB", at_most=120)
        figures.ask("processor, of one core", cpu, "%", at_most=15)
    finally:
        night.close()
figures.end()
