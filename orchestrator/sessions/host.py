"""What this machine has left for more processes, within the control group that we run in.

Knows where the figures are. Does not know what is enough.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

from orchestrator.core.model import Room

GROUPS = Path("/sys/fs/cgroup")


def room(groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> Room:
    """What cannot be measured is None: nobody waits for it."""
    memory: int | None = psutil.virtual_memory().available
    processes = _processes()
    for folder in _own_groups(groups, own):
        memory = min(memory, _left(folder, "memory", reclaimable=_inactive(folder)), key=_or_all)
        processes = min(processes, _left(folder, "pids"), key=_or_all)
    try:
        load: float | None = os.getloadavg()[0]
    except OSError:
        load = None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return Room(
        memory=memory,
        load=load,
        cores=cores(groups, own),
        descriptors=None if limit == resource.RLIM_INFINITY else limit - len(os.listdir("/proc/self/fd")),
        processes=processes,
    )


def cores(groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Physical ones, as far as we may use them: two threads of one core are one."""
    found = min(psutil.cpu_count(logical=False) or os.cpu_count() or 1, len(os.sched_getaffinity(0)))
    for folder in _own_groups(groups, own):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            found = min(found, max(int(quota) // int(period), 1))
    return found


def _own_groups(groups: Path, own: Path) -> Iterator[Path]:
    """Ours and those above it (version 2 of control groups): each may have limits."""
    lines = _read(own).splitlines()
    place = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if place is not None:
        folder = groups / place
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(groups))


def _left(folder: Path, what: str, *, reclaimable: int = 0) -> int | None:
    most, now = _read(folder / f"{what}.max"), _read(folder / f"{what}.current")
    return max(int(most) - int(now) + reclaimable, 0) if most.isdigit() and now.isdigit() else None


def _inactive(folder: Path) -> int:
    """The cache of files that the kernel gives up before anybody is short."""
    rows = (line.split() for line in _read(folder / "memory.stat").splitlines())
    return next((int(row[1]) for row in rows if row[0] == "inactive_file"), 0)


def _processes() -> int | None:
    """That this user may still start."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit == resource.RLIM_INFINITY or os.geteuid() == 0:
        return None
    user = os.getuid()
    count = 0
    for entry in os.scandir("/proc"):
        try:
            count += entry.name.isdigit() and entry.stat().st_uid == user
        except FileNotFoundError:
            continue  # it ended meanwhile
    return max(limit - count, 0)


def _or_all(value: int | None) -> float:
    return float("inf") if value is None else value


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""  # this kernel, or this group, has none
