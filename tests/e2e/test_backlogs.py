"""Real task graphs to their end: every open bead of a real project's issues, on a clone of a real repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.night import Night

CHECKOUT = Path(__file__).parents[2]
AGENT = """\
#!/bin/sh
# A file per bead, so that nothing collides: what is shown here is the graph, not the merge.
set -e
mkdir -p done
cp "$1" "done/$ORCHESTRATOR_BEAD.md"
git add --all
git commit --quiet --message "Work of $ORCHESTRATOR_BEAD"
"""
SETTINGS = """\
repo = "repo"
workers = 8
routes = ["sh"]
verify = ["test -d done"]
agents.sh = {command = ["./agent.sh", "{prompt_file}"]}
"""


@pytest.fixture
def backlog(tmp_path: Path) -> Night:
    night = Night(tmp_path / "night")
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(CHECKOUT), str(night.repository)], check=True)
    night.git("config", "user.name", "Ann")
    night.git("config", "user.email", "ann@localhost")
    night.git("checkout", "--quiet", "-B", "main")
    (night.folder / "agent.sh").write_text(AGENT)
    (night.folder / "agent.sh").chmod(0o755)
    (night.folder / "orchestrator.toml").write_text(SETTINGS)
    night.manifest = night.folder / ".beads" / "issues.jsonl"
    night.manifest.parent.mkdir()
    return night


@pytest.mark.parametrize("project", ["ralph-tui", "vc"])
def test_every_open_bead_lands(backlog: Night, project: str) -> None:
    """Eight workers, a scripted agent. What a person holds waits for that person, and for nobody else."""
    night = backlog
    try:
        source = CHECKOUT / "tests" / "data" / "beads" / f"{project}.issues.jsonl"
        shutil.copy(source, night.manifest)
        issues = [json.loads(line) for line in source.read_text().splitlines() if line.strip()]
        work = [issue for issue in issues if issue["issue_type"] != "epic"]
        to_do = {issue["id"] for issue in work if issue["status"] in ("open", "in_progress", "blocked")}
        held = {issue["id"] for issue in work if issue["status"] == "blocked"}

        done = night.run(timeout_s=800)
        states = {bead["id"]: bead["state"] for bead in night.look("status")["beads"]}
        assert set(states) == to_do
        assert {bead for bead, state in states.items() if state == "held"} == held
        assert done.returncode == (1 if held else 0), done.stdout[-3000:] + done.stderr

        for bead in sorted(held):  # the person lets them go
            assert night.orchestrator("retry", bead, "--repo", str(night.repository)).returncode == 0
        done = night.run(timeout_s=800)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert night.landed("orchestrator/night") == sorted(to_do)
        proof = night.look("prove")
        assert proof["holds"], [finding for finding in proof["findings"] if not finding["holds"]]
        assert not night.left_over()
    finally:
        night.close()
