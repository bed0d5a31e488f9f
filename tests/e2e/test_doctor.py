"""`orchestrator doctor`, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.night import Night

HELLO = "#!/bin/sh\necho hello > hello.txt\n"


@pytest.mark.parametrize(("agent", "landed", "code"), [(HELLO, True, 0), ("#!/bin/sh\ntrue\n", False, 1)])
def test_an_agent_is_tried_in_a_repository_that_is_thrown_away(
    night: Night, tmp_path: Path, agent: str, landed: bool, code: int
) -> None:
    """One of the manifest's own; nothing of the person's repository is touched, and nothing is left."""
    night.write({"beads": [{"id": "a", "prompt": "x"}]}, agent)
    (tmp_path / "tmp").mkdir()
    night.environment["TMPDIR"] = str(tmp_path / "tmp")
    asked = ("--manifest", str(night.manifest), "--try", "sh", "--json")
    done = night.orchestrator("doctor", *asked)
    assert done.returncode == code, done.stderr
    trial = json.loads(done.stdout)
    assert (trial["route"], trial["landed"], trial["usd"]) == ("sh", landed, None)
    assert bool(trial["reason"]) != landed
    assert not night.state.exists()
    assert not list((tmp_path / "tmp").iterdir())


def test_an_agent_that_nobody_knows_is_not_tried(night: Night) -> None:
    done = night.orchestrator("doctor", "--try", "nope")
    assert done.returncode == 2
    assert "unknown agent 'nope'" in done.stderr


def test_it_tells_of_each_agent(night: Night) -> None:
    """Whether it is there, who has signed in, and what would be run; in words as well."""
    night.write({"beads": [{"id": "a", "prompt": "x"}]})
    night.environment |= {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": "k"}
    repo = ("--repo", str(night.repository), "--manifest", str(night.manifest))
    agents = {agent["name"]: agent for agent in night.look("doctor", "--manifest", str(night.manifest))["agents"]}
    assert agents["sh"]["found"] == str(night.manifest.parent / "agent.sh")
    assert (agents["claude"]["found"], agents["claude"]["signed_in"]) == (None, True)
    assert (agents["aider"]["signed_in"], agents["aider"]["sign_in"]) == (True, "by $ANTHROPIC_API_KEY")
    assert agents["gemini"]["signed_in"] is None
    assert agents["claude"]["command"].startswith("claude -p")
    text = night.orchestrator("doctor", *repo).stdout
    assert "runs: ./agent.sh" in text
    assert " -   claude: npm install" in text
