"""A sandbox around a real process tree: what it can write, read, see and reach, and what it may use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.runtime.confinement import Limits, Sandbox, Walls
from orchestrator.sessions.sandbox import limited, sandboxed, why_no_limits, why_no_sandbox

WRITES = 'for each in "$@"; do { touch "$each/new" && echo "$each"; } 2> /dev/null; done'


@pytest.fixture(autouse=True)
def _possible() -> None:
    if fault := why_no_sandbox() or why_no_limits():
        pytest.skip(f"no sandbox can be made here: {fault}")


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    for name in ("repo/.git", "trees/mine", "trees/theirs", "home/.ssh", "home/cache"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home" / ".ssh" / "key").write_text("secret")
    (tmp_path / "home" / ".netrc").write_text("secret")
    return tmp_path


def within(top: Path, *argv: str, **said: object) -> subprocess.CompletedProcess[str]:
    told = {"repo": False, "repo/.git": True, "trees": False, "trees/mine": True}
    walls = Walls(mounts=tuple((top / name, writable) for name, writable in told.items()))
    sandbox = Sandbox(**said)  # type: ignore[arg-type]
    mine = top / "trees" / "mine"
    command = sandboxed(argv, sandbox, walls, program=argv[0], cwd=mine, env=dict(os.environ))
    return subprocess.run(command, cwd=mine, capture_output=True, text=True, check=False, timeout=60)


def test_it_writes_what_is_its_own_and_an_empty_tmp_and_nothing_else(ground: Path) -> None:
    places = [str(ground / name) for name in ("repo", "repo/.git", "trees/theirs", "trees/mine", "home/cache")]
    done = within(ground, "/bin/sh", "-c", WRITES, "sh", *places, "/usr", "/etc", "/tmp")
    assert done.stdout.split() == [places[1], places[3], "/tmp"], done.stderr
    assert not Path("/tmp/new").exists()
    also = within(ground, "/bin/sh", "-c", WRITES, "sh", places[4], write=(ground / "home" / "cache",))
    assert also.stdout.split() == [places[4]], also.stderr


def test_what_is_hidden_is_not_even_read(ground: Path) -> None:
    hidden = (ground / "home" / ".ssh", ground / "home" / ".netrc", ground / "home" / "nowhere")
    names = [str(ground / "home" / name) for name in (".ssh/key", ".netrc")]
    shown = (ground / "home",)
    assert within(ground, "/bin/cat", *names, write=shown).stdout == "secretsecret"
    # What may be written does not show again what is hidden in it; what is its own lies open in what is hidden.
    assert within(ground, "/bin/cat", *names, hide=hidden, write=shown).stdout == ""
    inside = within(ground, "/bin/sh", "-c", WRITES, "sh", ".", str(ground / "repo"), hide=(ground,))
    assert inside.stdout.split() == ["."], inside.stderr


def test_it_sees_no_process_but_its_own(ground: Path) -> None:
    done = within(ground, "/bin/sh", "-c", "ls -d /proc/[0-9]* | wc -l; kill -0 $0", str(os.getpid()))
    assert int(done.stdout) < 10
    assert done.returncode != 0


def test_without_network_nothing_is_reached(ground: Path) -> None:
    """But its own loop-back, on which the project's tests may talk."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert within(ground, "/usr/bin/env", "python3", "-c", script).returncode == 0
        assert within(ground, "/usr/bin/env", "python3", "-c", script, network=False).returncode != 0
    own = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 5)"
    assert within(ground, "/usr/bin/env", "python3", "-c", own, network=False).returncode == 0


@pytest.mark.parametrize(
    ("limits", "script"),
    [
        (Limits(memory=100 * 2**20), "bytearray(200 * 2**20)"),
        (Limits(file_size=1000), "from pathlib import Path; Path('large').write_bytes(bytes(2000))"),
        (Limits(cpu_s=1), "while True: pass"),
    ],
    ids=["memory", "file size", "processor time"],
)
def test_a_limit_holds_and_cannot_be_raised(ground: Path, limits: Limits, script: str) -> None:
    """Neither by the session nor by its child; what stays below it is none of its business."""
    argv = limited(("/usr/bin/env", "python3", "-c", script), limits)
    assert within(ground, "/bin/sh", "-c", '"$@"', "sh", *argv).returncode != 0
    assert within(ground, *limited(("/usr/bin/env", "python3", "-c", "bytearray(2**20)"), limits)).returncode == 0


def test_without_limits_the_command_is_as_it_was() -> None:
    assert limited(("a", "b"), Limits()) == ("a", "b")
