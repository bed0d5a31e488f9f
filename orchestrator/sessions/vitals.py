"""What the processes of sessions use, all of them measured in one pass over the process table.

Knows kinship from the table and figures from `psutil`. Does not know what is much.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from orchestrator.core.model import Host, Sample, Token
from orchestrator.core.values import Struct
from orchestrator.sessions.processes import Row
from orchestrator.sessions.silence import SHARE


class Patient(Struct, frozen=True, kw_only=True):
    """One session, as it is looked at. Times are monotonic."""

    token: Token
    rows: list[Row]
    said_at: float
    wrote_at: float
    alive_at: float
    """When the session itself last had evidence of life."""


@dataclass(slots=True)
class _Before:
    at: float
    cpu: dict[tuple[int, int], float]
    written: int
    alive_at: float


class Vitals:
    """Remembers the last look at each session, to tell what has happened since."""

    def __init__(self) -> None:
        self._before: dict[Token, _Before] = {}

    def measure(self, patients: Iterable[Patient]) -> tuple[Sample, ...]:
        now, patients = time.monotonic(), list(patients)
        samples = tuple(self._sample(patient, now) for patient in patients)
        there = {patient.token for patient in patients}
        self._before = {token: before for token, before in self._before.items() if token in there}
        return samples

    def _sample(self, patient: Patient, now: float) -> Sample:
        cpu = {row.name: row.cpu_s for row in patient.rows}
        memory, shared, descriptors, read, written = 0, 0, 0, 0, 0
        for row in patient.rows:
            try:
                process = psutil.Process(row.pid)
                with process.oneshot():
                    used, moved = process.memory_info(), process.io_counters()
                    descriptors += process.num_fds()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # it left since the table was taken, or is another user's by now
            memory += max(used.rss - used.shared, 0)
            shared = max(shared, used.shared)  # libraries: once for all of a tree, as a rule
            read, written = read + moved.read_bytes, written + moved.write_bytes
        before = self._before.get(patient.token)
        grown = 0.0 if before is None else sum(max(0.0, s - before.cpu.get(name, 0.0)) for name, s in cpu.items())
        share = grown / (now - before.at) if before is not None and now > before.at else 0.0
        alive_at = max(patient.alive_at, patient.said_at, before.alive_at if before is not None else 0.0)
        if before is not None and (share >= SHARE or written > before.written):
            alive_at = now
        self._before[patient.token] = _Before(now, cpu, written, alive_at)
        return Sample(
            token=patient.token,
            processes=len(patient.rows),
            stopped=sum(row.stopped for row in patient.rows),
            cpu_share=round(share, 3),
            cpu_s=round(sum(cpu.values()), 2),
            memory=memory + shared,
            descriptors=descriptors,
            read=read,
            written=written,
            said_s=round(now - patient.said_at, 1),
            wrote_s=round(now - patient.wrote_at, 1),
            quiet_s=round(now - alive_at, 1),
        )


def host() -> Host:
    """This machine, as far as a worker's share of it goes."""
    return Host(memory=psutil.virtual_memory().total, descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
