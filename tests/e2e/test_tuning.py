"""`tune`: what more workers bring, without a trace in the repository."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.night import Night, beads


def test_more_workers_bring_more_and_nothing_is_left_of_it(night: Night) -> None:
    each = beads(("a", "b", "c", "d"), 1.5, {"d": ("a",)})
    told = night.folder / "told"
    night.write(
        {
            "name": "night",
            "verify": "true",
            "beads": [*each, {"id": "held", "prompt": "1", "hold": True}],
            "push": {"remote": str(night.folder / "nowhere")},
            "alerts": {"to": {"command": f"touch {told}"}, "level": "info", "group": 0},
        }
    )
    before = night.git("for-each-ref")
    asked = night.orchestrator("tune", str(night.manifest), "--up-to", "2")
    assert asked.returncode == 0
    assert "`--yes` does it" in asked.stdout
    picture = night.folder / "curve.svg"
    done = night.orchestrator("tune", str(night.manifest), "--up-to", "3", "--yes", "--json", "--svg", str(picture))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert [(one["workers"], one["beads"]) for one in found["measured"]] == [(1, 4), (2, 4)]
    one, two = (each["rate"] for each in found["measured"])
    assert two > one
    assert found["recommended"] == 2
    assert "<svg" in picture.read_text()
    assert night.git("for-each-ref") == before
    assert not (Path(night.state) / "state.db").exists()
    assert not told.exists()
    assert not night.worktrees_left()


def test_a_time_that_is_up_ends_it_and_counts_what_was_done(night: Night) -> None:
    night.write({"name": "night", "beads": [*beads(("a",), 0.1), *beads(("slow",), 100)]})
    done = night.orchestrator("tune", str(night.manifest), "--up-to", "1", "--each", "6s", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1: 1 beads in" in done.stderr
    assert "workers: 1" in done.stdout
