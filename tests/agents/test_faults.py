"""Real agent programs in each trouble: every attempt ends in its right class, and no process is left.

A repository and one bead each. What a program needs too long for by its own retries runs in `scripts/agents-night`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.agents.conftest import Ready
from tests.agents.model_server import ModelServer, Say, Shell, Trouble, Turn, Write, script_line
from tests.agents.nights import attempts, write
from tests.agents.programs import PROGRAMS, Program
from tests.e2e.night import Night

NAMES = ("claude", "codex", "gemini", "qwen", "aider")
TOOLLESS = ("aider",)
"""Runs no commands: a script of one turn is all that it plays."""
RECOVERS = ("codex", "aider")
"""Takes up a broken stream by itself."""
NAMES_NO_TIME = ("gemini",)
"""Of its limit's reset: it is parked for as long as the manifest says."""
PATIENT = {
    "qwen": "it asks 7 times within 90 s, by no setting less",
    "aider": "it asks for 64 s, by no setting less",
}
WORK: tuple[Turn, ...] = (Write("hello.txt", "hello\n"), Say("Done."))
QUICK: dict[str, Any] = {"grace": "1s", "linger": "2s"}


def or_at_night(name: str) -> Any:
    """A parameter: the programs that go on asking for long are for the night."""
    if name not in PATIENT or os.environ.get("ORCHESTRATOR_SLOW_AGENTS") == "1":
        return name
    return pytest.param(name, marks=pytest.mark.skip(reason=f"{PATIENT[name]}: scripts/agents-night"))


def one_bead(night: Night, program: Program, script: tuple[Turn, ...] = WORK, **settings: Any) -> None:
    """A manifest with the bead `hello`; `bead` of the settings are keys of its own."""
    bead = {"id": "hello", "prompt": f"Write hello.txt.\n{script_line(script)}", **settings.pop("bead", {})}
    write(night, [program], [bead], **{**QUICK, **settings})


def outcomes(night: Night, *, landed: bool, timeout_s: float = 100) -> list[str]:
    """Run it; how its attempts ended. What must hold in every case is asserted here."""
    done = night.run(timeout_s=timeout_s)
    assert done.returncode == (0 if landed else 1), done.stdout + done.stderr
    assert night.landed("orchestrator/night") == (["hello"] if landed else [])
    assert not night.left_over()
    assert night.look("prove")["holds"]
    return [attempt["outcome"] for attempt in attempts(night)]


@dataclass(frozen=True, slots=True)
class Loop:
    """A script that heeds no SIGTERM and never ends, and where it writes its number when it runs."""

    script: Path
    pid_file: Path

    def has_run(self) -> bool:
        return self.pid_file.exists()

    def runs(self) -> bool:
        try:
            return psutil.Process(int(self.pid_file.read_text())).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    made = Loop(tmp_path / "loop.sh", tmp_path / "pid")
    made.script.write_text(f"echo $$ > {made.pid_file}\ntrap '' TERM INT HUP\nwhile :; do sleep 1; done\n")
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_limit_that_is_over_at_once(ready: Ready, model_server: ModelServer, name: str) -> None:
    """The program's own retry gets over it: nothing is told of it, and the first attempt lands."""
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.RATE_LIMIT, times=1)
    one_bead(night, program)
    assert outcomes(night, landed=True) == ["delivered"]


@pytest.mark.parametrize("name", [*map(or_at_night, NAMES)])
def test_a_rate_limit_for_ever(ready: Ready, model_server: ModelServer, name: str) -> None:
    """It is no try of the bead, and counts against the route."""
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.RATE_LIMIT)
    one_bead(night, program, starts_in_vain=1)
    assert outcomes(night, landed=False, timeout_s=240) == ["rate-limited"]


@pytest.mark.parametrize("name", [*map(or_at_night, NAMES)])
def test_an_overload_for_ever(ready: Ready, model_server: ModelServer, name: str) -> None:
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.OVERLOADED)
    one_bead(night, program, starts_in_vain=1)
    assert outcomes(night, landed=False, timeout_s=240) == ["overloaded"]


@pytest.mark.parametrize("name", [*map(or_at_night, NAMES)])
def test_a_usage_limit_parks_it_until_the_reset(ready: Ready, model_server: ModelServer, name: str) -> None:
    """Nothing is asked of it until then; then the same session goes on in the same worktree, and lands."""
    night, program = ready(name), PROGRAMS[name]
    wait = 200 if name in PATIENT else 20
    if name == "claude":  # only a subscription is told of a time
        night.environment |= {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-dummy"}
        del night.environment["ANTHROPIC_API_KEY"]
    resets_at = int(time.time()) + wait
    turn = None if name in TOOLLESS else 1
    model_server.fault(name, Trouble.USAGE_LIMIT, turn=turn, resets_at=resets_at)
    one_bead(night, program, breaker={"cooldown": "5s", "max_cooldown": f"{wait}s"})
    *before, last = outcomes(night, landed=True, timeout_s=wait + 240)
    assert before
    assert set(before) == {"usage-limited"}
    assert last == "delivered"
    first = attempts(night)[0]
    if program.resumes:
        assert {attempt["session"] for attempt in attempts(night)} == {first["session"]}
    if name in ("claude", "codex"):  # the others name no time
        assert before == ["usage-limited"]
        limited, *after = [request for request in model_server.requests(name, "turn") if request.turn > 0]
        assert limited.at < resets_at
        assert all(request.at >= resets_at for request in after)


@pytest.mark.parametrize("name", [*map(or_at_night, PATIENT)])
def test_a_usage_limit_that_is_over_while_it_goes_on_asking(ready: Ready, model_server: ModelServer, name: str) -> None:
    """Of 20 s: the program's own retries outlast it, and its first attempt lands."""
    night, program = ready(name), PROGRAMS[name]
    resets_at = int(time.time()) + 20
    model_server.fault(name, Trouble.USAGE_LIMIT, turn=None if name in TOOLLESS else 1, resets_at=resets_at)
    one_bead(night, program)
    assert outcomes(night, landed=True, timeout_s=200) == ["delivered"]
    assert any(request.at < resets_at for request in model_server.requests(name, "turn"))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_key(ready: Ready, model_server: ModelServer, name: str) -> None:
    """The route is open until a person has seen to it, and nothing is tried again."""
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.BAD_KEY)
    one_bead(night, program)
    assert outcomes(night, landed=False) == ["unavailable"]
    (route,) = night.look("status")["routes"]
    assert (route["breaker"], route["retry_at"]) == ("open", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_context(ready: Ready, model_server: ModelServer, name: str) -> None:
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.CONTEXT)
    one_bead(night, program, bead={"tries": 1})
    assert outcomes(night, landed=False) == ["context-overflow"]


@pytest.mark.parametrize("name", NAMES)
def test_a_connection_that_breaks_in_the_middle(ready: Ready, model_server: ModelServer, name: str) -> None:
    """Where the program does not ask again itself, the next attempt does."""
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.DROP, times=1)
    one_bead(night, program)
    expected = ["delivered"] if name in RECOVERS else ["overloaded", "delivered"]
    assert outcomes(night, landed=True) == expected


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_stops_in_the_middle(ready: Ready, model_server: ModelServer, name: str) -> None:
    """No program notices in time. We do, by the absence of every sign, and the next attempt lands."""
    night, program = ready(name), PROGRAMS[name]
    model_server.fault(name, Trouble.STALL, times=1)
    one_bead(night, program, bead={"silence": "5s", "tries": 2})
    assert outcomes(night, landed=True) == ["silent", "delivered"]


@pytest.mark.parametrize("name", NAMES)
def test_one_that_ignores_sigterm(ready: Ready, model_server: ModelServer, loop: Loop, name: str) -> None:
    """Its time is used up while its command (of aider: the program itself) does not heed SIGTERM: SIGKILL ends it."""
    night, program = ready(name), PROGRAMS[name]
    script: tuple[Turn, ...] = (Shell(f"sh {loop.script}"), Say("Done."))
    if name in TOOLLESS:
        wrapper = f'echo $$ > {loop.pid_file}; trap "" TERM; exec aider "$@"'
        options = [["--model", "{model}"], "--message", "{prompt}", "--yes-always", "--no-check-update"]
        program = replace(program, override={"command": ["sh", "-c", wrapper, "aider", *options]})
        model_server.fault(name, Trouble.STALL)
    else:  # some let a command run on in the background and ask on: then that is what lasts
        model_server.fault(name, Trouble.STALL, turn=1)
    one_bead(night, program, script, bead={"timeout": "45s" if name == "qwen" else "25s", "tries": 1})
    assert outcomes(night, landed=False) == ["timed-out"]
    assert loop.has_run()
    assert not loop.runs()


@pytest.mark.parametrize("name", NAMES)
def test_one_that_leaves_a_child_behind(ready: Ready, loop: Loop, name: str) -> None:
    """It delivers, and what it left running in a session of its own (of aider: what a hook of git did) is ended."""
    night, program = ready(name), PROGRAMS[name]
    child = f"setsid --fork sh {loop.script} < /dev/null > /dev/null 2>&1"
    seen = f"until [ -s {loop.pid_file} ]; do sleep 0.1; done"  # or qwen ends it before it has a session of its own
    if name in TOOLLESS:
        hook = night.repository / ".git" / "hooks" / "post-commit"
        hook.write_text(f"#!/bin/sh\n{child}\n{seen}\n")
        hook.chmod(0o755)
    one_bead(night, program, WORK if name in TOOLLESS else (Shell(f"{child}; {seen}"), *WORK))
    assert outcomes(night, landed=True) == ["delivered"]
    assert loop.has_run()
    assert not loop.runs()
