"""A night whose target goes to a remote: each landing, through outages and a kill, and never by force."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.night import Night, beads, wait_for

TARGET = "orchestrator/night"


@pytest.fixture
def night(tmp_path: Path) -> Night:
    made = Night(tmp_path / "night")
    made.make_repository({"README.md": "A repository.\n"})
    subprocess.run(["git", "init", "--quiet", "--bare", str(made.folder / "far.git")], check=True)
    made.git("remote", "add", "origin", "../far.git")
    return made


def far(night: Night) -> str:
    """Where the remote has the target; empty: nowhere."""
    asked = ("git", "-C", str(night.folder / "far.git"), "rev-parse", "--verify", "--quiet", f"refs/heads/{TARGET}")
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def settings(**more: object) -> dict[str, object]:
    named = beads(["a", "b", "c"], 0, {"b": ["a"], "c": ["b"]})
    return {"name": "night", "workers": 2, "backoff": {"first": "100ms"}, "beads": named, **more}


@pytest.mark.parametrize("when", ["each", "end"])
def test_the_remote_has_what_landed(night: Night, when: str) -> None:
    try:
        night.write(settings(push={"remote": "origin", "when": when}))
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert far(night) == night.git("rev-parse", TARGET)
        said = night.look("status")["push"]
        assert (said["commit"], said["behind"], said["reason"]) == (far(night), 0, None)
        assert night.look("report")["push"] == {"said": "Pushed to `origin`.", "done": True}
        assert night.look("prove")["holds"]
        pushes = night.git("-C", str(night.folder / "far.git"), "rev-list", "--count", TARGET)
        assert pushes == "4"
    finally:
        night.close()


def test_what_is_there_and_not_ours_is_not_overwritten(night: Night) -> None:
    """All lands; the failure is said; once a person has seen to it, the next start pushes."""
    try:
        night.git("push", "--quiet", "origin", f"main:refs/heads/{TARGET}")
        stranger = night.git("commit-tree", "main^{tree}", "-p", "main", "-m", "A stranger's")
        night.git("push", "--quiet", "origin", f"{stranger}:refs/heads/{TARGET}")
        night.write(settings(push={"remote": "origin", "tries": 2}))
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(night.landed(TARGET)) == ["a", "b", "c"]
        assert far(night) == stranger
        said = night.look("status")["push"]
        assert said["behind"] > 0
        assert "nothing there is overwritten" in said["reason"]
        assert night.look("report")["push"]["done"] is False
        night.git("push", "--quiet", "origin", f":refs/heads/{TARGET}")
        again = night.run()
        assert again.returncode == 0, again.stdout + again.stderr
        assert far(night) == night.git("rev-parse", TARGET)
    finally:
        night.close()


def test_a_kill_in_the_middle_of_a_push_costs_nothing(night: Night) -> None:
    """The remote takes its time the first time; killed in that, the run goes on, and pushes."""
    try:
        hook = night.folder / "far.git" / "hooks" / "pre-receive"
        begun = night.folder / "begun"
        hook.write_text(f"#!/bin/sh\n[ -e {begun} ] && exit 0\ntouch {begun}\nexec sleep 30\n")
        hook.chmod(0o755)
        night.write(settings(push={"remote": "origin"}))
        process = night.start()
        wait_for(begun.exists)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert far(night) == night.git("rev-parse", TARGET)
        assert sorted(night.landed(TARGET)) == ["a", "b", "c"]
    finally:
        night.close()


def test_a_remote_that_is_not_there_is_said_before_anything_begins(night: Night) -> None:
    try:
        night.write(settings())
        done = night.run("--push", "orign")
        assert done.returncode == 2
        assert "no remote `orign`: there are origin" in done.stdout + done.stderr
        assert TARGET not in night.git("branch", "--list", "--format=%(refname:short)")
    finally:
        night.close()
