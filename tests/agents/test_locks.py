"""Real agent programs that want files which another bead holds: told before they write, and going on elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.conftest import Ready
from tests.agents.model_server import ModelServer, Say, Shell, Turn, Use, Write, script_line
from tests.agents.nights import attempts, write
from tests.agents.programs import PROGRAMS
from tests.e2e.night import Night


def holder(done: Path) -> dict[str, Any]:
    """A bead that has held.txt until the other one's agent is done."""
    return {
        "id": "holder",
        "run": f"echo held >> held.txt; while [ ! -e '{done}' ]; do sleep 0.1; done",
        "files": ["held.txt"],
        "priority": 0,
    }


def events(night: Night, name: str) -> list[dict[str, Any]]:
    lines = (night.state / "logs" / "run.jsonl").read_text().splitlines()
    return [told for told in map(json.loads, lines) if told["event"] == name and told.get("bead") == "other"]


def said(server: ModelServer, program: str) -> str:
    """All that its model was told."""
    return "\n".join(json.dumps(request.body) for request in server.requests(program))


def test_claude_asks_before_it_edits_and_is_told_who_has_the_file(ready: Ready, model_server: ModelServer) -> None:
    """Nothing is written, the model reads why, and writes elsewhere: that is its own from then on.

    The hook leaves no trace in what is delivered.
    """
    night = ready("claude")
    done = night.folder / "done"
    turns: list[Turn] = [Write("held.txt", "mine\n"), Write("free.txt", "free\n"), Shell(f"touch {done}"), Say("Done.")]
    other = {"id": "other", "prompt": f"Write.\n{script_line(turns)}", "files": ["notes.txt"]}
    write(night, [PROGRAMS["claude"]], [holder(done), other])
    ended = night.run(timeout_s=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "held.txt is not yours now: held by holder" in said(model_server, "claude")
    (attempt,) = [each for each in attempts(night) if each["bead"] == "other"]
    assert (attempt["outcome"], attempt["files"]) == ("delivered", ["free.txt"])
    assert [(each["claims"], each["asked"]) for each in events(night, "locks.taken")] == [(["free.txt"], True)]
    assert not events(night, "locks.awaited")
    assert night.git("show", "orchestrator/night:held.txt") == "held"
    assert night.look("prove")["holds"]


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_an_agent_asks_for_files_by_the_tool_that_it_is_offered(
    ready: Ready, model_server: ModelServer, name: str
) -> None:
    """One is held, which it is told; the other is its own from then on."""
    night = ready(name)
    done = night.folder / "done"
    turns: list[Turn] = [
        Use("lock_files", {"paths": ["held.txt"]}), Use("lock_files", {"paths": ["src/free.txt"]}),
        Shell(f"mkdir -p src && echo free > src/free.txt && touch {done}"), Say("Done."),
    ]  # fmt: skip
    other = {"id": "other", "prompt": f"Write.\n{script_line(turns)}", "files": ["notes.txt"]}
    write(night, [PROGRAMS[name]], [holder(done), other])
    ended = night.run(timeout_s=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "held by holder" in said(model_server, name)
    assert "src/free.txt: yours" in said(model_server, name)
    assert [(each["claims"], each["asked"]) for each in events(night, "locks.taken")] == [(["src/free.txt"], True)]
    assert night.git("show", "orchestrator/night:src/free.txt") == "free"
