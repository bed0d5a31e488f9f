"""Real agent programs on a terminal for people: dialogs answered by rule, prompts typed, turns told by their files."""

from __future__ import annotations

import json

import pytest

from tests.agents.conftest import Ready
from tests.agents.model_server import ModelServer, Say, Shell, Trouble, Write, script_line
from tests.agents.nights import attempts
from tests.agents.programs import PROGRAMS
from tests.e2e.night import Night

INTERACTIVE = {"claude": {"mode": "interactive"}, "codex": {"mode": "interactive", "pass_env": ["STUB_API_KEY"]}}


def write(night: Night, program: str, verify: str, *turns: Write | Shell | Say) -> None:
    prompt = f"Do it.\n\tWith care.\n{script_line(list(turns))}"
    night.write(
        {
            "name": "night",
            "routes": [PROGRAMS[program].route],
            "linger": "10s",
            "backoff": {"first": "100ms"},
            "agents": INTERACTIVE,
            "beads": [{"id": "hello", "prompt": prompt, "verify": verify}],
        }
    )
    # Nothing else is seeded: trust, the bypass of permissions and the key are asked for, and answered by rule.
    onboarded = {"hasCompletedOnboarding": True, "theme": "dark"}
    (night.folder / "home" / ".claude.json").write_text(json.dumps(onboarded))
    codex = night.folder / "home" / ".codex" / "config.toml"
    if codex.exists():  # one refusal is the end of a turn
        codex.write_text(codex.read_text().replace("retries = 1", "retries = 0"))


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_bead_lands_interactively(ready: Ready, program: str) -> None:
    """Its turn's end is its own word; tokens and the session's id come from its files; nothing is left."""
    night = ready(program)
    turns = (Write("hello.txt", "hello\n"), Shell("git add -A && git commit -qm 'Say hello'"), Say("Done."))
    write(night, program, "grep -q hello hello.txt", *turns)
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["hello"]
    (ended,) = attempts(night)
    assert (ended["outcome"], ended["files"]) == ("delivered", ["hello.txt"])
    assert ended["session"]
    assert ended["tokens"] > 0
    assert not night.left_over()


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_failed_check_is_typed_into_the_resumed_session(ready: Ready, program: str) -> None:
    """The second attempt has the first one's session, and counts its own tokens only."""
    night = ready(program)
    write(night, program, 'test "$(wc -l < tries.txt)" -eq 2', Shell("echo tried >> tries.txt"), Say("Done."))
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = attempts(night)
    assert (first["outcome"], second["outcome"]) == ("checks-failed", "delivered")
    assert first["session"] == second["session"]
    assert 0 < second["tokens"] < 1.5 * first["tokens"]
    assert not night.left_over()


@pytest.mark.parametrize(
    ("program", "trouble", "outcome"),
    [
        ("claude", Trouble.USAGE_LIMIT, "usage-limited"),
        ("claude", Trouble.CONTEXT, "context-overflow"),
        ("codex", Trouble.USAGE_LIMIT, "usage-limited"),
        ("codex", Trouble.RATE_LIMIT, "rate-limited"),
    ],
)
def test_a_failed_turn_has_its_class(
    ready: Ready, model_server: ModelServer, program: str, trouble: Trouble, outcome: str
) -> None:
    """Told by its hook or its rollout, not by what stands on the screen."""
    night = ready(program)
    model_server.fault(program, trouble, times=1)
    write(night, program, "true", Write("hello.txt", "hello\n"), Say("Done."))
    night.start()
    first = _first_attempt(night)
    assert first["outcome"] == outcome, first


def _first_attempt(night: Night) -> dict[str, object]:
    import time

    until = time.monotonic() + 60
    while time.monotonic() < until:
        if (night.state / "logs" / "run.jsonl").exists() and (found := attempts(night)):
            return found[0]
        time.sleep(0.1)
    pytest.fail("no attempt ended")
