"""A machine that runs out of memory while agents are at work: they stand still, and go on when that is over.

What it is short of is set by the manifest: how much memory is to stay free is another with each reload.
"""

from __future__ import annotations

import json
from pathlib import Path

import psutil

from tests.e2e.night import Night, wait_for

AGENT = """\
#!/bin/sh
# Counts for as long as nobody says that it is enough, then delivers.
while [ ! -e "$LEDGER.enough" ]; do echo x >> "$LEDGER.$ORCHESTRATOR_BEAD"; sleep 0.1; done
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
"""


def test_all_but_one_stand_still_until_there_is_memory_again(tmp_path: Path) -> None:
    night = Night(tmp_path / "night")
    try:
        night.make_repository()
        beads = [{"id": name, "prompt": "work", "silence": "20s"} for name in "abc"]
        whole = {"name": "night", "workers": 3, "beads": beads, "memory_floor": "1MiB"}
        night.write(whole, AGENT)
        process = night.start("--worktrees", str(night.worktrees))
        ledgers = {name: Path(f"{night.environment['LEDGER']}.{name}") for name in "abc"}
        wait_for(lambda: all(file.exists() for file in ledgers.values()))
        night.write({**whole, "memory_floor": "900TB"}, AGENT)
        assert night.orchestrator("reload", "--repo", str(night.repository)).returncode == 0
        wait_for(lambda: len(_still(night)) == 2, 60)
        still = _still(night)
        wait_for(lambda: all(_stands_still(night, name) for name in still))
        sizes = {name: ledgers[name].stat().st_size for name in "abc"}
        (other,) = set("abc") - set(still)
        wait_for(lambda: ledgers[other].stat().st_size > sizes[other] + 4)
        assert all(ledgers[name].stat().st_size == sizes[name] for name in still)
        night.write(whole, AGENT)
        assert night.orchestrator("reload", "--repo", str(night.repository)).returncode == 0
        wait_for(lambda: not _still(night), 60)
        wait_for(lambda: all(ledgers[name].stat().st_size > sizes[name] for name in still))
        Path(f"{night.environment['LEDGER']}.enough").touch()
        assert process.wait(60) == 0
        assert night.landed("orchestrator/night") == ["a", "b", "c"]
        attempts = {bead["id"]: bead["attempts"] for bead in night.look("status")["beads"]}
        assert attempts == {"a": 1, "b": 1, "c": 1}
        events = [json.loads(line)["event"] for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]
        assert events.count("session.suspended") == events.count("session.went_on") == 2
    finally:
        night.close()


def _still(night: Night) -> list[str]:
    return [worker["bead"] for worker in night.look("status")["workers"] if worker["suspended"]]


def _stands_still(night: Night, bead: str) -> bool:
    (pid,) = (worker["pid"] for worker in night.look("status")["workers"] if worker["bead"] == bead)
    leader = psutil.Process(pid)
    return all(each.status() == psutil.STATUS_STOPPED for each in [leader, *leader.children(recursive=True)])
