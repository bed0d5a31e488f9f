"""Real agent programs through the whole way: a bead each, by `orchestrator run`, against a model that plays a script.

The programs get an environment of their own and talk to nobody but 127.0.0.1.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatch

import pytest

from tests.agents.conftest import Ready
from tests.agents.model_server import OUTSIDE, ModelServer, Say, Shell, Trouble, Write, script_line
from tests.agents.nights import attempts, write
from tests.agents.programs import PROGRAMS, Program

COSTS = ("claude", "opencode")
"""Say themselves what they cost."""
PRICED = ("codex", "gemini")
"""Tell their tokens, and the models that they are asked for here have a price in the list."""
SILENT = ("mini-swe-agent",)
"""Say of no tokens."""


@pytest.fixture(params=PROGRAMS.values(), ids=lambda program: program.name)
def program(request: pytest.FixtureRequest) -> Program:
    given: Program = request.param
    return given


def test_a_real_program_lands_a_bead(ready: Ready, model_server: ModelServer, program: Program) -> None:
    """Its events are read, its work is collected, checked, merged; session, tokens and cost are in the log.

    It finds no way out of the machine, and wants none but those that are known of it.
    """
    night = ready(program.name)
    script = script_line(
        [Write("hello.txt", "hello\n"), Shell("git add -A && git commit -qm 'Say hello'"), Say("Done.")]
    )
    bead = {"id": "hello", "prompt": f"Write hello.txt.\n{script}", "verify": "grep -q hello hello.txt"}
    write(night, [program], [bead])
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["hello"]
    assert night.git("show", "orchestrator/night:hello.txt") == "hello"
    (ended,) = attempts(night)
    assert (ended["outcome"], ended["route"], ended["files"]) == ("delivered", program.route, ["hello.txt"])
    assert bool(ended["session"]) == program.resumes
    assert (ended["tokens"] is None) == (program.name in SILENT)
    assert (ended["usd"] is not None) == (program.name in (*COSTS, *PRICED))
    assert night.look("prove")["holds"]
    assert not night.left_over()
    outside = {request.path for request in model_server.requests(OUTSIDE)}
    assert not [host for host in outside if not any(fnmatch(host, known) for known in program.reaches)]


def test_a_home_of_its_own_is_enough(ready: Ready) -> None:
    """Nothing of the person's home is needed but a key: the bead lands, and that home is not even looked into."""
    night = ready("claude")
    program = replace(PROGRAMS["claude"], override={"home": "own"})
    bead = {"id": "hello", "prompt": f"Write.\n{script_line([Write('hello.txt', 'hello'), Say('Done.')])}"}
    write(night, [program], [bead])
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["hello"]
    assert not (night.folder / "home" / ".claude").exists()


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if program.resumes])
def test_a_failed_check_goes_back_into_the_same_session(ready: Ready, name: str) -> None:
    """The second attempt resumes the first one's session by its id, in its worktree, and lands."""
    night = ready(name)
    script = script_line([Shell("echo tried >> tries.txt"), Say("Done.")])
    bead = {"id": "twice", "prompt": f"Try.\n{script}", "verify": 'test "$(wc -l < tries.txt)" -eq 2'}
    write(night, [PROGRAMS[name]], [bead])
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = attempts(night)
    assert (first["outcome"], second["outcome"]) == ("checks-failed", "delivered")
    assert first["session"] == second["session"]
    assert night.git("show", "orchestrator/night:tries.txt") == "tried\ntried"
    assert not night.left_over()


def test_a_usage_limit_parks_one_provider_and_the_other_goes_on(ready: Ready, model_server: ModelServer) -> None:
    """The chain's first is out of its window; its next lands the bead from where the first one was."""
    night = ready("claude", "codex")
    claude, codex = PROGRAMS["claude"], PROGRAMS["codex"]
    model_server.fault("claude", Trouble.USAGE_LIMIT)
    script = script_line([Write("hello.txt", "hello\n"), Say("Done.")])
    write(night, [claude, codex], [{"id": "hello", "prompt": f"Write hello.txt.\n{script}"}])
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = attempts(night)
    assert (first["outcome"], first["route"]) == ("usage-limited", claude.route)
    assert (second["outcome"], second["route"]) == ("delivered", codex.route)
    routes = {route["route"]: route for route in night.look("status")["routes"]}
    assert routes[claude.route]["breaker"] == "open"
    assert routes[codex.route]["breaker"] == "closed"
    assert not night.left_over()
