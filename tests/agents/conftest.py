"""Fixtures for tests that drive real agent programs: a model to talk to, the programs, and an environment for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agents.model_server import ModelServer

PROGRAMS = Path(__file__).resolve().parents[2] / ".agents" / "bin"


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A provider of this test's own, closed with it."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def agent_program() -> Callable[[str], Path]:
    """Where the program of that name is. Without it the test is skipped; where it is required, the test fails."""

    def find(name: str) -> Path:
        program = PROGRAMS / name
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
        folders = dict.fromkeys([PROGRAMS, *found, Path("/usr/bin"), Path("/bin")])
        return {
            "PATH": os.pathsep.join(map(str, folders)),
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    return build
