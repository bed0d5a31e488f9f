"""Fixtures for tests that drive real agent programs: a model to talk to, the programs, and an environment for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agents.model_server import ModelServer
from tests.agents.programs import PROGRAMS, settle
from tests.e2e.night import Night

BIN = Path(__file__).resolve().parents[2] / ".agents" / "bin"


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A provider of this test's own, closed with it."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def agent_program() -> Callable[[str], Path]:
    """Where the program of that name is. Without it the test is skipped; where it is required, the test fails."""

    def find(name: str) -> Path:
        program = BIN / name
        if os.access(program, os.X_OK):
            return program
        reason = f"{name} is not installed: scripts/install-agents was not run for it"
        if os.environ.get("ORCHESTRATOR_REQUIRE_AGENTS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return find


@pytest.fixture
def scrubbed_env() -> Callable[[Path], dict[str, str]]:
    """A whole environment for an agent: nothing of the machine's but where node and git are. Makes its home.

    No key and no address is in it: each test adds dummies of its own.
    """

    def build(home: Path) -> dict[str, str]:
        home.mkdir(parents=True, exist_ok=True)
        found = [Path(path).parent for name in ("node", "git") if (path := shutil.which(name))]
        folders = dict.fromkeys([BIN, *found, Path("/usr/bin"), Path("/bin")])
        return {
            "PATH": os.pathsep.join(map(str, folders)),
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    return build


Ready = Callable[..., Night]


@pytest.fixture
def ready(
    tmp_path: Path,
    model_server: ModelServer,
    agent_program: Callable[[str], Path],
    scrubbed_env: Callable[[Path], dict[str, str]],
) -> Iterator[Ready]:
    """A repository, and a home in which the named programs know nobody but the model server."""
    made: list[Night] = []

    def make(*names: str) -> Night:
        for name in names:
            agent_program(PROGRAMS[name].command or name)
        night = Night(tmp_path / "night")
        made.append(night)
        night.make_repository()
        home = night.folder / "home"
        night.environment = scrubbed_env(home) | {"TZ": "UTC"}
        for name in names:
            night.environment |= settle(PROGRAMS[name], model_server, home)
        return night

    yield make
    for night in made:
        night.close()
