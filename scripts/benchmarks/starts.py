"""Starting many sessions whose agents take a second to give their first sign: at once against in turn."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night

AGENT = """\
#!/bin/sh
sleep 1
echo up
sleep 3600 &
trap 'kill $!; exit 0' TERM
wait
"""


def muster_s(workers: int, at_once: int) -> float:
    """Seconds from the opening of the run to the first sign of the last worker, worktrees included."""
    with tempfile.TemporaryDirectory(prefix="starts-") as folder:
        night = Night(Path(folder) / "night")
        try:
            night.make_repository()
            beads = [{"id": f"b{number}", "prompt": "wait"} for number in range(workers)]
            night.write(
                {"name": "night", "workers": workers, "max_starts": at_once, "grace": "1s", "beads": beads}, AGENT
            )
            manifest = json.loads(night.manifest.read_text())
            manifest["agents"]["sh"]["started"] = "output"
            night.manifest.write_text(json.dumps(manifest))
            run = night.start()
            log = night.repository / ".git" / "orchestrator" / "logs" / "run.jsonl"
            while run.poll() is None:
                time.sleep(0.2)
                lines = log.read_text().splitlines(keepends=True) if log.exists() else []
                said = [json.loads(line) for line in lines if line.endswith("\n")]
                for told in (line for line in said if line["event"] == "workers.started"):
                    assert told["started"] == workers, told
                    return float(told["seconds"])
            raise AssertionError((night.folder / "output").read_text())
        finally:
            night.close()


figures = Figures("starts: agents that take 1 s to give their first sign, worktrees included")
for workers in (16, 32):
    in_turn, ten, all_at_once = muster_s(workers, 1), muster_s(workers, 10), muster_s(workers, workers)
    figures.tell(f"{workers} sessions, in turn", f"{in_turn:8.2f} s")
    figures.tell(f"{workers} sessions, 10 at once", f"{ten:8.2f} s")
    figures.tell(f"{workers} sessions, all at once", f"{all_at_once:8.2f} s")
    figures.ask(f"{workers} sessions: in turn / 10 at once", in_turn / ten, "x", at_least=7)
    if workers == 32:
        figures.ask("32 at once / the second that each takes", all_at_once / 1.0, "x", at_most=1.25)
figures.end()
