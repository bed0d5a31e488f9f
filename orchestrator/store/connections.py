"""Connections to a repository's state: its schema brought up to date, its errors as ours, and its writer's lock.

Knows no table.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from orchestrator.runtime.patience import patiently
from orchestrator.runtime.ports import (
    Holder,
    StoreDamaged,
    StoreFault,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
)

FILE = "state.db"
BUSY_S = 20.0
"""How long a statement waits for another's transaction; all of ours take milliseconds."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def migrate(connection: sqlite3.Connection, folder: Path) -> None:
    """Bring an older schema up to this version, a step at a time, each in a transaction."""
    version = check_version(connection, folder)
    for number, script in steps():
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def check_version(connection: sqlite3.Connection, folder: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = steps()[-1][0]
    if version > newest:
        raise StoreTooNew(
            f"the state in {folder} has schema {version}, this version knows up to {newest}: use the newer orchestrator"
        )
    return version


def steps() -> list[tuple[int, str]]:
    files = resources.files("orchestrator.store").joinpath("schema").iterdir()
    return sorted((int(file.name.partition(".")[0]), file.read_text()) for file in files if file.name.endswith(".sql"))


@patiently(lambda fault: isinstance(fault, BlockingIOError), within_s=0.5)
def claim(lock: int) -> None:
    """A reader that looks whether anybody writes has the lock for microseconds: that is not a writer."""
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def locked(folder: Path) -> bool:
    """Some process has the writer's lock."""
    try:
        probe = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(probe)
    return False


@contextmanager
def faults(folder: Path) -> Iterator[None]:
    """SQLite's errors as ours: whose fault it is, and what to do."""
    try:
        yield
    except sqlite3.Error as fault:
        text = str(fault)
        if "full" in text or "disk I/O" in text:
            raise StoreFull(f"the disk that holds {folder} is full or failing ({text}): make room") from fault
        if "readonly" in text or "unable to open" in text:
            raise StoreReadOnly(f"{folder} cannot be written ({text}): check its owner and permissions") from fault
        if "malformed" in text or "not a database" in text:
            raise StoreDamaged(
                f"{folder / FILE} is damaged ({text}): move it away and begin anew; what landed is found on the target"
            ) from fault
        raise StoreFault(f"the state in {folder} refused: {text}") from fault


def of_system(fault: OSError, folder: Path) -> StoreFault:
    if fault.errno == errno.ENOSPC:
        return StoreFull(f"the disk that holds {folder} is full: make room")
    return StoreReadOnly(f"{folder} cannot be written ({fault.strerror}): check its owner and permissions")


def taken(holder: Holder | None, folder: Path) -> str:
    if holder is None:
        return f"another orchestrator is at work on this repository (it has {folder.parent} locked)"
    since = dt.datetime.fromtimestamp(holder.since, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"another orchestrator is at work on this repository: run {holder.run!r}, pid {holder.process.pid} on "
        f"{holder.host}, since {since}. `orchestrator status` shows it; `orchestrator stop` ends it"
    )
