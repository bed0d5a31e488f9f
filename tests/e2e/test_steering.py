"""Every control command against a night that is under way, and the line that it leaves."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.night import Night, wait_for


def audit(night: Night) -> list[dict[str, Any]]:
    """The lines of requests that have been answered: what, of what, by whom, when."""
    lines = (json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == "request.answered"]


def has_begun(night: Night) -> bool:
    """Its state is there a moment before the run is in it."""
    return night.orchestrator("status", "--repo", str(night.repository)).returncode == 0


def test_a_night_is_steered_from_another_terminal(night: Night) -> None:
    """Each command returns when it has happened, and is in the log with who and when."""
    beads = [
        {"id": "long", "prompt": "60\nwork"},
        {"id": "other", "prompt": "60\nwork"},
        {"id": "third", "prompt": "0.1\nwork", "needs": ["held"]},
        {"id": "held", "prompt": "0.1\nwork", "hold": True},
        {"id": "late", "prompt": "0.1\nwork"},
        {"id": "later", "prompt": "0.1\nwork"},
    ]
    night.write({"name": "night", "workers": 2, "beads": beads})
    process = night.start()

    def state_of(bead: str) -> str:
        return next(str(each["state"]) for each in night.look("status")["beads"] if each["id"] == bead)

    def workers() -> list[str]:
        return [worker["id"] for worker in night.look("status")["workers"]]

    def ask(*words: str) -> str:
        done = night.orchestrator(*words, "--repo", str(night.repository))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    wait_for(lambda: has_begun(night) and state_of("other") == "running")
    assert ask("pause") == "night: nothing new starts; what runs may end"
    assert ask("priority", "later", "P0") == "later: is P0 now"
    assert ask("workers", "add", "1") == "night: w3 at work: 3 workers"
    assert state_of("later") == "ready", "it is paused"
    assert ask("log-level", "info") == "night: from now on info and graver"
    assert ask("resume") == "night: goes on"
    wait_for(lambda: state_of("later") == "done" and state_of("late") == "done")
    assert ask("answer", "held", "Go on.") == "held: is tried again"
    wait_for(lambda: state_of("third") == "done")
    assert ask("workers", "drain", "w3") == "night: w3 is gone"
    assert workers() == ["w1", "w2"]
    assert ask("abort", "long") == "long: given up"
    assert state_of("long") == "cancelled", "it is answered when it has happened"
    assert ask("retry", "long") == "long: is tried again"
    wait_for(lambda: state_of("long") == "running")
    (at_other,) = (each["id"] for each in night.look("status")["workers"] if each["bead"] == "other")
    assert ask("workers", "abort", at_other) == f"night: {at_other} is gone"
    assert state_of("other") == "ready"
    refused = night.orchestrator("workers", "drain", "w9", "--repo", str(night.repository))
    assert refused.returncode == 1
    assert "there is no worker 'w9'" in refused.stdout
    refused = night.orchestrator("workers", "release", "w1", "--repo", str(night.repository))
    assert refused.returncode == 1
    assert "nothing keeps it from work" in refused.stdout
    listed = night.orchestrator("workers", "--repo", str(night.repository)).stdout
    assert "w1" in listed
    assert at_other not in listed
    assert ask("stop") == "night: its sessions are being ended, their work is kept"
    assert process.wait(20) == 130

    lines = audit(night)
    assert [line["verb"] for line in lines] == [
        "pause", "priority", "add-workers", "log-level", "resume", "answer", "drain-worker", "abort", "retry",
        "abort-worker", "drain-worker", "release-worker", "stop",
    ]  # fmt: skip
    assert all(line["by"] and line["ts"] for line in lines)
    assert [line["bead"] for line in lines if "bead" in line] == ["later", "held", "long", "long"]


def test_a_night_follows_its_changed_settings(night: Night) -> None:
    """What changes is said and holds at once; what cannot change is refused with all of it, and nothing is changed."""
    heard = night.folder / "heard"
    beads = [{"id": name, "prompt": "30\nwork"} for name in "abc"]
    whole = {"name": "night", "workers": 1, "beads": beads, "budget": {"usd": 5}}
    night.write(whole)
    process = night.start()

    def running() -> int:
        return [each["state"] for each in night.look("status")["beads"]].count("running")

    def reload() -> tuple[int, str]:
        done = night.orchestrator("reload", "--repo", str(night.repository))
        return done.returncode, done.stdout.strip() + done.stderr.strip()

    wait_for(lambda: has_begun(night) and running() == 1)
    assert reload() == (0, "night: its settings are what they were")
    tells = {"command": f'echo "$ORCHESTRATOR_ALERT_BODY" >> {heard}'}
    told = {"to": [tells], "level": "info", "group": 0, "rules": {"mine": {"on": "settings.changed"}}}
    night.write({**whole, "workers": 3, "budget": {"usd": 9}, "grace": "1s", "alerts": told})
    assert reload() == (0, "night: from now on otherwise: workers, grace, budget.usd")
    wait_for(lambda: running() == 3)
    night.write({**whole, "workers": 2, "max_starts": 5, "train": 4})
    code, said = reload()
    assert code == 1
    assert "max_starts cannot change" in said
    assert "train cannot change" in said
    assert len(night.look("status")["workers"]) == 3
    night.write({**whole, "workers": 0, "grace": "soon"})
    code, said = reload()
    assert code == 2
    assert "2 faults in the manifest; nothing was touched" in said
    night.write({**whole, "beads": [*beads, {"id": "d", "prompt": "1\nwork"}]})
    code, said = reload()
    assert code == 2
    assert "orchestrator apply" in said
    night.write({**whole, "workers": 3, "budget": {"usd": 11}, "grace": "1s", "alerts": told})
    assert reload() == (0, "night: from now on otherwise: budget.usd")
    wait_for(lambda: heard.exists() and "settings" in heard.read_text())
    night.orchestrator("stop", "--repo", str(night.repository))
    assert process.wait(20) == 130
    lines = [(line["verb"], line["accepted"]) for line in audit(night)]
    assert lines == [("reload", True), ("reload", True), ("reload", False), ("reload", True), ("stop", True)]


def test_a_night_that_drains_lands_what_runs_and_starts_nothing(night: Night) -> None:
    night.write({"name": "night", "workers": 1, "beads": [
        {"id": "one", "prompt": "8\nwork"}, {"id": "two", "prompt": "0.1\nwork"}]})  # fmt: skip
    process = night.start()
    wait_for(lambda: "started" in (night.folder / "output").read_text())
    done = night.orchestrator("drain", "--repo", str(night.repository))
    assert done.returncode == 0
    assert process.wait(30) == 130
    states = {each["id"]: each["state"] for each in night.look("status")["beads"]}
    assert states == {"one": "done", "two": "ready"}
    assert [(line["verb"], line["accepted"]) for line in audit(night)] == [("drain", True)]
