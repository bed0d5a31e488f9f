"""The newest samples of live sessions, in one small file that is replaced as a whole.

Beside the database, because they are no history: what is older than the newest is of no use to anybody.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from orchestrator.core.messages import Sampled

FILE = "samples.json"


def keep(folder: Path, told: Sampled) -> None:
    """A disk that is full costs readers a sample, never the run."""
    file = folder / FILE
    try:
        new = file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(told))
        new.replace(file)
    except OSError:
        return  # what is there is as old as it says


def newest(folder: Path, *, since: float) -> Sampled | None:
    """None: there is none that was taken after `since`, or a newer version wrote it."""
    try:
        told = msgspec.json.decode((folder / FILE).read_bytes(), type=Sampled)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return told if told.at >= since else None
