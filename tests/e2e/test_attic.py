"""`orchestrator attic` on what a real night left."""

from __future__ import annotations

import json

from tests.e2e.night import AGENT, Night, beads

HALF = AGENT.replace(
    "git add --all", 'if [ "$ORCHESTRATOR_BEAD" = bad ]; then echo half > half.txt; exit 1; fi\ngit add --all'
)


def test_what_a_bead_left_is_listed_restored_and_pruned(night: Night) -> None:
    """Pruning says first exactly what goes; it leaves a run that is not over what it needs; the proof knows of it."""
    failing = [{**bead, "tries": 1} for bead in beads(["bad"], 0)]
    night.write({"name": "night", "beads": [*beads(["good"], 0), *failing]}, agent=HALF)
    assert night.run().returncode == 1
    repo = ("--repo", str(night.repository))
    listed = json.loads(night.orchestrator("attic", "list", *repo, "--json").stdout)
    assert {(one["bead"], one["attempt"]) for one in listed} == {("good", 1), ("bad", 1)}
    shown = json.loads(night.orchestrator("attic", "show", "bad", *repo, "--json").stdout)
    assert {"change": "A", "path": "half.txt"} in shown["files"]
    restored = night.orchestrator("attic", "restore", "bad/1", "--folder", str(night.folder / "out"), *repo)
    assert restored.returncode == 0, restored.stderr
    assert (night.folder / "out" / "half.txt").read_text() == "half\n"
    assert night.orchestrator("attic", "restore", "bad", *repo).returncode == 2
    young = night.orchestrator("attic", "prune", "--older-than", "1d", "--yes", *repo)
    assert "gone" not in young.stdout
    before = night.git("for-each-ref")
    told = night.orchestrator("attic", "prune", "--older-than", "0s", *repo).stdout
    assert [line.split()[2] for line in told.splitlines() if line.startswith("would go")] == ["bad/1", "good/1"]
    assert night.git("for-each-ref") == before
    night.git("branch", "-D", "orchestrator-work/night/bad")
    gone = json.loads(night.orchestrator("attic", "prune", "--older-than", "0s", "--yes", "--json", *repo).stdout)
    assert [one["name"] for one in gone["gone"]] == ["bad/1", "good/1"]
    assert night.git("for-each-ref", "refs/orchestrator/attic") == ""
    proof = night.look("prove")
    assert proof["holds"], proof
    (kept,) = [each for each in proof["findings"] if "in the attic" in each["claim"]]
    assert "that you have pruned" in kept["detail"]


def test_what_a_run_may_go_on_from_is_not_pruned(night: Night) -> None:
    night.write({"name": "night", "budget": {"usd": 0.01}, "beads": beads(["a"], 30)})
    process = night.start()
    while not night.has_begun() or not night.look("status")["beads"][0]["attempts"]:
        assert process.poll() is None
    worktree = next(path for path in night.worktrees.parent.rglob("night/a") if path.is_dir())
    (worktree / "half.txt").write_text("half\n")
    process.terminate()
    process.wait(30)
    repo = ("--repo", str(night.repository))
    (listed,) = json.loads(night.orchestrator("attic", "list", *repo, "--json").stdout)
    told = night.orchestrator("attic", "prune", "--older-than", "0s", "--yes", *repo).stdout
    assert "stays, because run 'night' is not over: a/1" in told
    assert [listed] == json.loads(night.orchestrator("attic", "list", *repo, "--json").stdout)


def test_a_date_that_an_agent_made_up_makes_nothing_old(night: Night) -> None:
    """What was left just now is not pruned as old, whatever its commits say."""
    dated = AGENT.replace("git commit", "GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' git commit")
    failing = [{**bead, "tries": 1, "verify": ["false"]} for bead in beads(["bad"], 0)]
    night.write({"name": "night", "beads": failing}, agent=dated)
    assert night.run().returncode == 1
    repo = ("--repo", str(night.repository))
    (listed,) = json.loads(night.orchestrator("attic", "list", *repo, "--json").stdout)
    assert listed["at"] < 1_000_000_000
    told = json.loads(night.orchestrator("attic", "prune", "--older-than", "1d", *repo, "--json").stdout)
    assert told["gone"] == []
    told = json.loads(night.orchestrator("attic", "prune", "--older-than", "0s", *repo, "--json").stdout)
    assert [one["name"] for one in told["gone"]] == ["bad/1"]
