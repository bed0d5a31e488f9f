"""A sandbox around a session, by bubblewrap: the disk to read, what is its own to write, no other process to see.

And limits of its processes, by util-linux's `prlimit`. Who asks for one and cannot have it is not started. Knows
nothing of git, and of agents nothing but where their program is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from orchestrator.runtime.confinement import Limits, Sandbox, Walls
from orchestrator.sessions.tools import found, why_it_fails

_OPEN = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--unshare-ipc")
_EMPTY = ("/tmp", "/var/tmp", "/run")
"""Where others leave files and sockets: a socket can be spoken to, however it is mounted."""
_STILL_THERE = (
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/run/current-system",
    "/run/wrappers",
)
"""What names are looked up with, and where some systems have their programs."""
_LIMITS = {"memory": "--data", "processes": "--nproc", "file_size": "--fsize", "cpu_s": "--cpu"}


def sandboxed(
    argv: Sequence[str], sandbox: Sandbox, walls: Walls, *, program: str, cwd: Path, env: Mapping[str, str]
) -> tuple[str, ...]:
    """The command that carries `argv` out in a sandbox, in which `program` is there, wherever it lies."""
    words = [found("bwrap"), *_OPEN]
    words += [] if sandbox.network else ["--unshare-net"]
    for place in _EMPTY:
        if os.path.isdir(place) and not os.path.islink(place):
            words += ["--tmpfs", place]
    for still in (*_STILL_THERE, *_programs(program, env)):
        words += ["--ro-bind-try", still, still]
    mounts: dict[Path, tuple[str, ...]] = {path: ("--bind-try", str(path)) for path in sandbox.write}
    mounts |= {path: _hiding(path) for path in sandbox.hide if path.exists()}
    mounts |= {path: ("--bind" if writable else "--ro-bind", str(path)) for path, writable in walls.mounts}
    for path in sorted(mounts, key=lambda path: len(path.parts)):  # what is said of a folder, before what is in it
        words += [*mounts[path], str(path)]
    return (*words, "--chdir", str(cwd), "--", *argv)


def limited(argv: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """The command that carries `argv` out within limits that it cannot raise."""
    said = [f"{option}={most}" for name, option in _LIMITS.items() if (most := getattr(limits, name)) is not None]
    return (found("prlimit"), *said, "--", *argv) if said else tuple(argv)


@cache
def why_no_sandbox() -> str:
    """Why this machine cannot make one; empty: it can. Tries it once."""
    if shutil.which("bwrap") is None:
        return "there is no bwrap on the PATH: install bubblewrap"
    nothing = Walls(mounts=())
    return why_it_fails(sandboxed(("/bin/true",), Sandbox(network=False), nothing, program="", cwd=Path("/"), env={}))


@cache
def why_no_limits() -> str:
    return "" if shutil.which("prlimit") else "there is no prlimit (of util-linux) on the PATH"


def _hiding(path: Path) -> tuple[str, ...]:
    return ("--tmpfs",) if path.is_dir() else ("--ro-bind", "/dev/null")


def _programs(program: str, env: Mapping[str, str]) -> Iterator[str]:
    """Folders of programs that lie where the sandbox is empty otherwise."""
    for folder in (os.path.dirname(program), *env.get("PATH", "").split(os.pathsep)):
        place = os.path.realpath(folder) if folder else ""
        top = os.path.dirname(place) if os.path.basename(place) in ("bin", "sbin") else place
        if any(top.startswith(f"{empty}/") for empty in _EMPTY):
            yield top
