"""Walls around a session: folders that its whole process tree can read and not write, by mounts of its own.

Made with util-linux's `unshare` and `mount`, in the very process that becomes the agent: nothing stands between it and
us. They keep an agent from wandering, not one that wants to break out (as root it could). Knows nothing of git.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from orchestrator.runtime.ports import Walls

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


def walled(argv: tuple[str, ...], walls: Walls) -> tuple[str, ...]:
    """The command that carries `argv` out behind walls."""
    mounts = [word for path, writable in walls.mounts for word in ("rw" if writable else "ro", str(path))]
    inner = ("/bin/sh", "-c", _SCRIPT, "sh", _found("mount"), *mounts, "--")
    if _is_privileged():
        return (_found("unshare"), "--mount", "--propagation", "slave", "--", *inner, *argv)
    # In a name space of its own the user is who it was, with the right to mount: which is given back before the agent.
    shed = (_found("setpriv"), "--ambient-caps=-all", "--inh-caps=-all", "--")
    return (_found("unshare"), "--user", "--map-current-user", "--keep-caps", "--mount", "--", *inner, *shed, *argv)


def why_not(walls: Walls) -> str:
    """Why this machine cannot make these walls; empty: it can. Tries it."""
    needed = ("unshare", "mount", *(() if _is_privileged() else ("setpriv",)))
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        return f"there is no {' and no '.join(missing)} (of util-linux) on the PATH"
    try:
        tried = subprocess.run(
            walled(("/bin/true",), walls), capture_output=True, text=True, timeout=10, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return tried.stderr.strip() or f"exit code {tried.returncode}" if tried.returncode else ""


@cache
def _found(program: str) -> str:
    """By our own PATH: an agent's may be another."""
    return shutil.which(program) or program


@cache
def _is_privileged() -> bool:
    """May mount as it is."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        held = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) & _CAP_SYS_ADMIN)
