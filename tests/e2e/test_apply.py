"""`orchestrator apply` on a run that is at work, and on one that was stopped."""

from __future__ import annotations

import json
import time

from tests.e2e.night import Night, beads


def states(night: Night) -> dict[str, str]:
    """Nothing, in the moment in which the first writer has made the file and not filled it."""
    done = night.orchestrator("status", "--repo", str(night.repository), "--json")
    return {one["id"]: one["state"] for one in json.loads(done.stdout)["beads"]} if done.returncode == 0 else {}


def until(night: Night, bead: str, state: str) -> None:
    end = time.monotonic() + 60
    while not night.state.joinpath("state.db").exists() or states(night).get(bead) != state:
        assert time.monotonic() < end, f"{bead} is not {state}"
        time.sleep(0.05)


def apply(night: Night, *argv: str) -> tuple[int, str]:
    done = night.orchestrator("apply", str(night.manifest), *argv)
    return done.returncode, done.stdout + done.stderr


def test_a_night_is_changed_while_it_runs(night: Night) -> None:
    """Shown first, done with --yes; beads come and go, and the run ends with all that is wanted on the target."""
    first = [*beads(["a"], 0), *beads(["long", "gone"], 30)]
    night.write({"name": "night", "workers": 3, "beads": first})
    process = night.start()
    until(night, "a", "done")
    until(night, "gone", "running")
    night.write({"name": "night", "workers": 3, "beads": [*beads(["a"], 0), *beads(["new"], 0, {"new": ["a"]})]})
    code, told = apply(night)
    assert code == 0, told
    assert "+ new: is added" in told
    assert "- gone: is given up" in told
    assert "nothing was touched" in told
    assert "new" not in {one["id"] for one in night.look("status")["beads"]}
    code, told = apply(night, "--yes")
    assert code == 0, told
    assert "1 added, 2 removed" in told
    assert process.wait(60) == 0, (night.folder / "output").read_text()
    assert night.landed("orchestrator/night") == ["a", "new"]
    assert night.look("prove")["holds"]
    assert night.run().returncode == 0  # the file is the run's manifest now
    assert night.landed("orchestrator/night") == ["a", "new"]


def test_a_stopped_night_is_changed_and_goes_on(night: Night) -> None:
    night.write({"name": "night", "workers": 1, "beads": beads(["a", "b"], 30)})
    process = night.start()
    until(night, "a", "running")
    process.terminate()
    assert process.wait(30) == 130
    night.write({"name": "night", "workers": 1, "beads": beads(["a", "c"], 0)})
    refused = night.run()
    assert refused.returncode == 2
    assert "orchestrator apply" in refused.stderr
    told = json.loads(night.orchestrator("apply", str(night.manifest), "--yes", "--json").stdout)
    assert (told["added"], told["removed"], told["applied"]) == (["c"], ["b"], True)
    assert told["keys"]["a"] == ["prompt"]
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a", "c"]
    assert night.look("prove")["holds"]


def test_a_manifest_at_fault_changes_nothing_and_says_all(night: Night) -> None:
    night.write({"name": "night", "workers": 1, "beads": beads(["a"], 30)})
    process = night.start()
    until(night, "a", "running")
    before = night.look("status")["beads"][0]["attempts"]
    night.write({"name": "night", "target": "other", "setup": ["true"], "beads": beads(["a", "b"], 0)})
    code, told = apply(night, "--yes")
    assert code == 2
    assert "target: it is" in told
    assert "setup: it is" in told
    night.write({"name": "night", "beads": [*beads(["a"], 0, {"a": ["nobody"]}), *beads(["b"], 0, {"b": ["none"]})]})
    code, told = apply(night, "--yes")
    assert code == 2
    assert "nobody" in told
    assert "none" in told
    assert [one["id"] for one in night.look("status")["beads"]] == ["a"]
    assert night.look("status")["beads"][0]["attempts"] == before
    process.terminate()
    process.wait(30)
