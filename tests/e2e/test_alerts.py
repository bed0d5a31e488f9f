"""A night that tells somebody."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.night import Night


def test_a_night_tells_what_failed_and_how_it_ended(night: Night, tmp_path: Path) -> None:
    """By a command, in one message, with a line in the log; the run is not hurt by a channel that fails."""
    told = tmp_path / "told"
    tells = {"command": f'printf "%s\\n%s\\n" "$ORCHESTRATOR_ALERT_TITLE" "$ORCHESTRATOR_ALERT_BODY" >> {told}'}
    night.write(
        {
            "name": "night",
            "alerts": {"to": [tells, {"command": "exit 7"}], "group": "30s"},
            "defaults": {"tries": 1},
            "beads": [{"id": "good", "run": "echo 1 > one"}, {"id": "bad", "run": "echo 1 > two; exit 3"}],
        }
    )
    done = night.orchestrator("run", str(night.manifest))
    assert done.returncode == 1
    title, *body = told.read_text().splitlines()
    assert title == "orchestrator night: 2 things to look at"
    assert body[0].startswith("[warning] bad failed: ")
    assert body[1].startswith("[info] the run has ended. 1 of 2 beads landed")
    lines = [json.loads(line) for line in (night.state / "logs" / "alerts.jsonl").read_text().splitlines()]
    assert {line["event"] for line in lines} == {"alert.delivered", "alert.refused", "alert.undelivered"}


def test_the_way_to_a_person_can_be_tried(night: Night) -> None:
    night.write({"alerts": {"to": [{"command": "true"}, {"command": "echo no route; exit 1"}]},
                 "beads": [{"id": "a", "run": "true"}]})  # fmt: skip
    done = night.orchestrator("alerts", "test", str(night.manifest))
    assert done.returncode == 1
    assert done.stdout == "true: taken\n"
    assert "echo: it exited with 1: no route" in done.stderr


def test_what_does_not_fit_is_said_with_its_place(night: Night) -> None:
    night.write({"alerts": {"rules": {"hedl": {"level": "loud"}}}, "beads": [{"id": "a", "run": "true"}]})
    done = night.orchestrator("run", str(night.manifest))
    assert done.returncode == 2
    assert "did you mean 'held'?" in done.stderr
    assert "expected info or warning or error" in done.stderr
