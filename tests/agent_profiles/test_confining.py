"""What a profile's `sandbox` comes to: what the session is given, and which spellings are at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.programs import ProgramAgents
from orchestrator.runtime.confinement import Limits
from orchestrator.runtime.ports import Launch
from tests.agent_profiles.conftest import Order


def launched(top: Path, order: Order, sandbox: dict[str, Any] | None, **profile: Any) -> Launch:
    program = top / "mine.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (top / "home" / ".mine").mkdir(parents=True, exist_ok=True)
    (top / "worktree").mkdir(exist_ok=True)
    catalog = Catalog({"mine": {"command": ["./mine.sh"], "share": [".mine"], **profile, "sandbox": sandbox}}, top)
    agents = ProgramAgents(catalog, "night", {"PATH": "/bin", "HOME": str(top / "home")})
    return agents.launch(order(), worktree=top / "worktree", scratch=top / "scratch")


def test_without_one_a_session_is_as_free_as_we_are(tmp_path: Path, order: Order) -> None:
    launch = launched(tmp_path, order, None)
    assert (launch.sandbox, launch.limits) == (None, Limits())


def test_in_a_sandbox_it_has_a_home_of_its_own_and_its_sign_in(tmp_path: Path, order: Order) -> None:
    """It writes those; secrets of other programs are hidden."""
    launch = launched(tmp_path, order, {})
    home = tmp_path / "home"
    assert launch.env["HOME"] == str(tmp_path / "scratch" / "home")
    assert launch.sandbox is not None
    assert launch.sandbox.write == (tmp_path / "scratch", home / ".mine")
    assert home / ".ssh" in launch.sandbox.hide
    assert launch.sandbox.network


def test_it_is_as_the_profile_says(tmp_path: Path, order: Order) -> None:
    said = {"network": False, "home": "user", "write": ["~/cache", "/srv"], "hide": ["~"]}
    launch = launched(tmp_path, order, said)
    home = tmp_path / "home"
    assert launch.env["HOME"] == str(home)
    assert launch.sandbox is not None
    assert not launch.sandbox.network
    assert launch.sandbox.write[-2:] == (home / "cache", Path("/srv"))
    assert launch.sandbox.hide == (home,)


def test_limits_alone_are_no_sandbox(tmp_path: Path, order: Order) -> None:
    said = {"disk": "open", "memory": "1.5GiB", "processes": 40, "file_size": "10MB", "cpu": "2h"}
    launch = launched(tmp_path, order, said)
    assert launch.sandbox is None
    assert launch.env["HOME"] == str(tmp_path / "home")
    assert launch.limits == Limits(memory=3 * 2**29, processes=40, file_size=10_000_000, cpu_s=7200)


def test_a_session_is_gone_on_with_only_in_the_home_that_it_was_begun_in(tmp_path: Path) -> None:
    resumes = {
        said: Catalog({}, tmp_path).traits("claude", {"sandbox": {"home": said}}).resumes for said in ("own", "user")
    }
    assert resumes == {"own": False, "user": True}
    assert Catalog({}, tmp_path).traits("claude", {"sandbox": {"disk": "open"}}).resumes


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("disk", "closed"), ("network", "no"), ("home", "mine"), ("write", "~/x"), ("write", ["x"]), ("hide", ["../x"]),
        ("memory", "much"), ("memory", 0), ("memory", True), ("memory", "1PB"), ("processes", 0), ("cpu", "1d"),
        ("file_size", -1), ("wirte", []),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_at_its_place(tmp_path: Path, key: str, value: Any) -> None:
    [(place, _)] = Catalog({}, tmp_path).faults("claude", {"sandbox": {key: value}})
    assert place == ("sandbox", key)
