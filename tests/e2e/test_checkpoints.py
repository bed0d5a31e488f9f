"""What an agent has written outlives its orchestrator and its worktree."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.night import Night, wait_for

AGENT = """\
#!/bin/sh
# Writes half of its work and waits; with that half there it goes on from it.
if test -e half; then echo "found $(cat half)" >> "$LEDGER"; echo whole > whole; exit 0; fi
echo "of attempt $ORCHESTRATOR_ATTEMPT" > half
sleep 600
"""
REFS = "refs/orchestrator/checkpoints"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path / "night")
    made.make_repository()
    agents = {"sh": {"command": ["./agent.sh", "{prompt_file}"], "pass_env": ["LEDGER"], "continues": True}}
    made.write({"checkpoint": "1s", "agents": agents, "beads": [{"id": "a", "prompt": "Do it."}]}, AGENT)
    yield made
    made.close()


def test_a_killed_run_whose_worktree_is_lost_goes_on_from_the_checkpoint(night: Night) -> None:
    killed = night.start("--worktrees", str(night.worktrees))
    wait_for(lambda: night.git("for-each-ref", REFS))
    killed.kill()
    killed.wait()
    assert "half" in night.git("ls-tree", "--name-only", f"{REFS}/night/a").split()
    for folder in night.worktrees.iterdir():
        shutil.rmtree(folder)
    done = night.run("--worktrees", str(night.worktrees))
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.ledger() == ["found of attempt 1"]
    assert sorted(night.git("ls-tree", "--name-only", "orchestrator/night").split()) == ["README.md", "half", "whole"]
    assert night.git("for-each-ref", REFS) == ""
    assert night.orchestrator("prove", "--repo", str(night.repository)).returncode == 0


def test_a_checkpoint_whose_run_is_given_up_is_cleared_away_and_kept(night: Night) -> None:
    killed = night.start("--worktrees", str(night.worktrees))
    wait_for(lambda: night.git("for-each-ref", REFS))
    killed.kill()
    killed.wait()
    shutil.rmtree(night.worktrees)
    night.git("worktree", "unlock", "a")
    night.git("worktree", "prune")
    assert "checkpoint of a in night" in night.orchestrator("clean", "--repo", str(night.repository)).stdout
    cleaned = night.orchestrator("clean", "--yes", "--repo", str(night.repository))
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert night.git("for-each-ref", REFS) == ""
    (kept,) = night.git("for-each-ref", "--format=%(refname)", "refs/orchestrator/attic/a").split()
    assert night.git("show", f"{kept}:half") == "of attempt 1"
