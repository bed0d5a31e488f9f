"""Where the person has git sign, what lands is signed with their key, or does not land."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.model import Style
from orchestrator.repo.faults import RepositoryFault
from orchestrator.repo.repository import open_repository
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import LandedAt, ShellCommands, World, git, make_repository, open_run

AsAgent = Callable[..., str]


def key(folder: Path, name: str, passphrase: str = "") -> Path:
    made = folder / name
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(made)], check=True, timeout=30
    )
    return made


@pytest.fixture
def signs(tmp_path: Path) -> World:
    """A run in a repository whose person signs with a key of ssh."""
    top = make_repository(tmp_path / "repo")
    mine = key(tmp_path, "mine")
    (tmp_path / "allowed").write_text(f"person@example.org {mine.with_suffix('.pub').read_text()}")
    for name, value in {
        "commit.gpgsign": "true",
        "gpg.format": "ssh",
        "user.signingkey": str(mine),
        "user.email": "person@example.org",
        "user.name": "Person",
        "gpg.ssh.allowedSignersFile": str(tmp_path / "allowed"),
    }.items():
        git(top, "config", name, value)
    repository, commands = open_repository(top), ShellCommands()
    return World(
        tmp=tmp_path,
        top=top,
        repository=repository,
        commands=commands,
        workspaces=open_run(tmp_path, repository, commands),
    )


def signers(world: World, revision: str) -> list[str]:
    """Of each commit on the target's line: good (G) or not, and whose."""
    return world.git("log", "--first-parent", "--format=%G? %GS", revision).split("\n")


@pytest.mark.parametrize("style", list(Style))
def test_what_lands_is_signed_with_the_persons_key(signs: World, as_agent: AsAgent, style: Style) -> None:
    path = signs.prepare("one")
    for name in ("x", "y"):
        (path / name).write_text("1")
        as_agent(path, "add", ".")
        as_agent(path, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", name)
    landed = signs.land("one", signs.collect("one").commit, style=style)
    assert isinstance(landed, LandedAt)
    commits = 2 if style is Style.REBASE else 1
    assert signers(signs, f"main..{signs.target}") == ["G person@example.org"] * commits


def test_an_agent_chooses_no_key_no_program_and_not_that_nothing_is_signed(signs: World) -> None:
    planted = key(signs.tmp, "planted")
    trap = signs.tmp / "trap"
    trap.write_text("#!/bin/sh\ntouch " + str(signs.tmp / "sprung") + "\nexit 1\n")
    trap.chmod(0o755)
    for name, value in {
        "user.signingkey": str(planted),
        "gpg.ssh.program": str(trap),
        "gpg.program": str(trap),
        "gpg.format": "openpgp",
        "commit.gpgsign": "false",
    }.items():
        signs.git("config", name, value)
    landed = signs.land("one", signs.work("one", lambda path: (path / "x").write_text("1")))
    assert isinstance(landed, LandedAt)
    assert not (signs.tmp / "sprung").exists()
    pinned = ("-c", "gpg.format=ssh", "-c", "gpg.ssh.program=ssh-keygen")
    assert signs.git(*pinned, "log", "-1", "--format=%G? %GS", signs.target) == "G person@example.org"


def test_a_key_that_nobody_unlocks_is_said_before_anything_begins(signs: World) -> None:
    signs.git("config", "user.signingkey", str(key(signs.tmp, "locked", "a passphrase")))
    with pytest.raises(RepositoryFault, match=r"commit\.gpgsign"):
        signs.again(run_name="day", target="orchestrator/day")
    assert "refs/heads/orchestrator/day" not in signs.refs()


def test_a_program_that_asks_is_ended_and_nothing_lands(signs: World) -> None:
    """It has a child of its own, which is ended as well."""
    asks, pid = signs.tmp / "asks", signs.tmp / "pid"
    asks.write_text('#!/bin/sh\nexec ssh-keygen "$@"\n')
    asks.chmod(0o755)
    signs.git("config", "gpg.ssh.program", str(asks))
    again = signs.again(signing_s=1.0)
    commit = again.work("one", lambda path: (path / "x").write_text("1"))
    asks.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {pid}\nwait\n")
    before = again.tip()
    with pytest.raises(WorkspaceFault, match=r"had not ended after 1 s[\s\S]*commit\.gpgsign"):
        again.land("one", commit)
    assert again.tip() == before
    until = time.monotonic() + 10
    while Path(f"/proc/{pid.read_text().strip()}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid.read_text().strip()}/exe").exists()


def test_a_program_that_fails_is_an_error_with_a_reason(signs: World) -> None:
    commit = signs.work("one", lambda path: (path / "x").write_text("1"))
    Path(signs.git("config", "user.signingkey")).unlink()
    before = signs.tip()
    with pytest.raises(WorkspaceFault, match=r"nothing lands unsigned"):
        signs.land("one", commit)
    assert signs.tip() == before


def test_what_was_composed_without_a_signature_is_composed_again(world: World) -> None:
    """The person began to sign between two starts of a run."""
    made = world.compose("one", world.work("one", lambda path: (path / "x").write_text("1")))
    mine = key(world.tmp, "mine")
    for name, value in {"commit.gpgsign": "true", "gpg.format": "ssh", "user.signingkey": str(mine)}.items():
        world.git("config", name, value)
    again = world.again()
    assert not again.advance("one", made)
    assert again.tip() == world.git("rev-parse", "main")
    for name in ("commit.gpgsign", "gpg.format", "user.signingkey"):
        world.git("config", "--unset", name)


def test_a_key_that_a_command_names(signs: World) -> None:
    public = Path(signs.git("config", "user.signingkey")).with_suffix(".pub")
    signs.git("config", "--unset", "user.signingkey")
    signs.git("config", "gpg.ssh.defaultKeyCommand", f"echo key::$(cat {public})")
    with pytest.raises(RepositoryFault, match=r"commit\.gpgsign"):  # its private half is with no agent of ssh
        signs.again()
    signs.git("config", "gpg.ssh.defaultKeyCommand", "echo nothing")
    with pytest.raises(RepositoryFault, match="no key is named"):
        signs.again()
