"""Walls around a session: folders that its whole process tree can read and not write, by mounts of its own.

Who may mount does so in a thread with a name space of its own, from which the agent is started: that costs no process.
Anybody else has util-linux's `unshare` and `mount` do it, in the very process that becomes the agent. Walls keep an
agent from wandering, not one that wants to break out (as root it could). Knows nothing of git.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.runtime.confinement import Walls
from orchestrator.sessions.tools import found, why_it_fails

Started = TypeVar("Started")

_SCRIPT = """\
mount=$1; shift
while [ "$1" != -- ]; do
    "$mount" --bind "$2" "$2" && "$mount" -o "remount,bind,$1" "$2" || exit 126
    shift 2
done
shift
cd "$PWD" || exit 126
exec "$@"
"""
"""The last step of the way in: its own folder is entered again, because it stands on the mounts as they were."""

_CAP_SYS_ADMIN = 1 << 21
_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 1, 0x20, 0x1000, 0x4000, 0x80000
_MS_RELATIME = 0x200000
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME
"""What a folder is mounted with and stays so. The kernel's numbers for these are those of `mount`, too."""


def behind(walls: Walls | None, argv: tuple[str, ...], start: Callable[[tuple[str, ...]], Started]) -> Started:
    """What `start` gives when it has started `argv`, behind walls. Raises `OSError` where they cannot be made."""
    if walls is None:
        return start(argv)
    if _is_privileged():
        return _within(walls, lambda: start(argv))
    return start(led_in(argv, walls))


def why_not(walls: Walls) -> str:
    """Why this machine cannot make these walls; empty: it can. Tries it."""
    if _is_privileged():
        try:
            _within(walls, lambda: None)
        except OSError as fault:
            return str(fault)
        return ""
    missing = [program for program in ("unshare", "mount", "setpriv") if shutil.which(program) is None]
    if missing:
        return f"there is no {' and no '.join(missing)} (of util-linux) on the PATH"
    return why_it_fails(led_in(("/bin/true",), walls))


def led_in(argv: tuple[str, ...], walls: Walls) -> tuple[str, ...]:
    """The command that makes the walls around itself and then becomes `argv`.

    In a name space of its own the user is who it was, with the right to mount: which is given back before the agent.
    """
    mounts = [word for path, writable in walls.mounts for word in ("rw" if writable else "ro", str(path))]
    inner = ("/bin/sh", "-c", _SCRIPT, "sh", found("mount"), *mounts, "--")
    shed = (found("setpriv"), "--ambient-caps=-all", "--inh-caps=-all", "--")
    return (
        found("unshare"),
        "--user",
        "--map-current-user",
        "--keep-caps",
        "--mount",
        "--",
        *inner,
        *shed,
        *argv,
    )


def _within(walls: Walls, act: Callable[[], Started]) -> Started:
    """In a thread that has its own mounts, and ends: what it has started keeps them."""
    done: list[Started] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            _unshare(walls)
            done.append(act())
        except BaseException as fault:  # the thread that waits raises it
            failed.append(fault)

    thread = threading.Thread(target=run, name="walls")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _unshare(walls: Walls) -> None:
    libc = _libc()
    _call(libc.unshare, _CLONE_NEWNS)
    _call(libc.mount, None, b"/", None, _MS_REC | _MS_SLAVE, None)  # what we mount, nobody else gets
    for path, writable in walls.mounts:
        name = os.fsencode(path)
        _call(libc.mount, name, name, None, _MS_BIND, None)
        _call(
            libc.mount, None, name, None, _MS_REMOUNT | _MS_BIND | _flags(path) | (0 if writable else _MS_RDONLY), None
        )


def _flags(path: Path) -> int:
    found = os.statvfs(path).f_flag
    return (found & _KEPT) | (_MS_RELATIME if found & os.ST_RELATIME else 0)


def _call(function: Callable[..., int], *words: Any) -> None:
    import ctypes

    if function(*words):
        number = ctypes.get_errno()
        what = os.fsdecode(words[1]) if len(words) > 1 else "a name space of its own"
        raise OSError(number, f"no walls: {os.strerror(number)}", what)


@cache
def _libc() -> Any:
    """Loaded with the first wall, and only by who may mount."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
    return libc


@cache
def _is_privileged() -> bool:
    """May mount as it is."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        held = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) & _CAP_SYS_ADMIN)
