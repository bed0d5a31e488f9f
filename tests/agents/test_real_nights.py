"""Real agent programs through the whole way: a bead each, by `orchestrator run`, against a model that plays a script.

The programs get an environment of their own and talk to nobody but 127.0.0.1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.model_server import ModelServer, Say, Shell, Trouble, Write, script_line
from tests.e2e.night import Night

CODEX_HOME = """\
model = "gpt-5-codex"
model_provider = "stub"
check_for_update_on_startup = false
[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
env_key = "STUB_API_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""
ROUTES = {"claude": "claude:claude-sonnet-4-5", "codex": "codex:gpt-5-codex"}
Ready = Callable[..., Night]


@pytest.fixture
def ready(
    tmp_path: Path,
    model_server: ModelServer,
    agent_program: Callable[[str], Path],
    scrubbed_env: Callable[[Path], dict[str, str]],
) -> Iterator[Ready]:
    """A repository, and homes in which the named programs know nobody but the model server."""
    made: list[Night] = []

    def make(*programs: str) -> Night:
        for program in programs:
            agent_program(program)
        night = Night(tmp_path / "night")
        made.append(night)
        night.make_repository()
        home = night.folder / "home"
        night.environment = scrubbed_env(home) | {
            "TZ": "UTC",
            "ANTHROPIC_BASE_URL": model_server.url("claude"),
            "ANTHROPIC_API_KEY": "sk-test",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "STUB_API_KEY": "sk-test",
            **({"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}),
        }
        (home / ".codex").mkdir()
        (home / ".codex" / "config.toml").write_text(CODEX_HOME.format(url=model_server.url("codex")))
        return night

    yield make
    for night in made:
        night.close()


def write(night: Night, routes: list[str], beads: list[dict[str, Any]]) -> None:
    night.write(
        {
            "name": "night",
            "routes": routes,
            "backoff": {"first": "100ms"},
            "agents": {"codex": {"pass_env": ["STUB_API_KEY"]}},
            "beads": beads,
        }
    )


def attempts(night: Night) -> list[dict[str, Any]]:
    log = night.state / "logs" / "run.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line["event"] == "attempt.ended"]


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_real_program_lands_a_bead(ready: Ready, program: str) -> None:
    """Its events are read, its commit is collected, checked, merged; session, tokens and cost are in the log."""
    night = ready(program)
    script = script_line(
        [Write("hello.txt", "hello\n"), Shell("git add -A && git commit -qm 'Say hello'"), Say("Done.")]
    )
    bead = {"id": "hello", "prompt": f"Write hello.txt.\n{script}", "verify": "grep -q hello hello.txt"}
    write(night, [ROUTES[program]], [bead])
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["hello"]
    assert night.git("show", "orchestrator/night:hello.txt") == "hello"
    (ended,) = attempts(night)
    assert (ended["outcome"], ended["route"], ended["files"]) == ("delivered", ROUTES[program], ["hello.txt"])
    assert ended["session"]
    assert ended["tokens"] > 0
    assert (ended["usd"] is None) == (program == "codex")
    assert night.look("prove")["holds"]
    assert not night.left_over()


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_failed_check_goes_back_into_the_same_session(ready: Ready, program: str) -> None:
    """The second attempt resumes the first one's session by its id, in its worktree, and lands."""
    night = ready(program)
    script = script_line([Shell("echo tried >> tries.txt"), Say("Done.")])
    bead = {"id": "twice", "prompt": f"Try.\n{script}", "verify": 'test "$(wc -l < tries.txt)" -eq 2'}
    write(night, [ROUTES[program]], [bead])
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = attempts(night)
    assert (first["outcome"], second["outcome"]) == ("checks-failed", "delivered")
    assert first["session"] == second["session"]
    assert night.git("show", "orchestrator/night:tries.txt") == "tried\ntried"
    assert not night.left_over()


def test_a_usage_limit_parks_one_provider_and_the_other_goes_on(ready: Ready, model_server: ModelServer) -> None:
    """The chain's first is out of its window; its next lands the bead from where the first one was."""
    night = ready("claude", "codex")
    model_server.fault("claude", Trouble.USAGE_LIMIT)
    script = script_line([Write("hello.txt", "hello\n"), Say("Done.")])
    write(night, [ROUTES["claude"], ROUTES["codex"]], [{"id": "hello", "prompt": f"Write hello.txt.\n{script}"}])
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = attempts(night)
    assert (first["outcome"], first["route"]) == ("usage-limited", ROUTES["claude"])
    assert (second["outcome"], second["route"]) == ("delivered", ROUTES["codex"])
    routes = {route["route"]: route for route in night.look("status")["routes"]}
    assert routes[ROUTES["claude"]]["breaker"] == "open"
    assert routes[ROUTES["codex"]]["breaker"] == "closed"
    assert not night.left_over()
