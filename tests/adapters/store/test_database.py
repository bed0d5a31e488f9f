"""SQLite in earnest: one writer, constraints, full disks, damage, versions, and readers that never wait."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import (
    Bead,
    BeadId,
    Claim,
    Commit,
    Ending,
    Manifest,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    WorkerId,
)
from orchestrator.runtime.ports import (
    StoreDamaged,
    StoreFault,
    StoreFull,
    StoreReadOnly,
    StoreTaken,
    StoreTooNew,
)
from orchestrator.store import Database
from orchestrator.store.connections import FILE


def planned(*beads: Bead, token: int = 0) -> m.RunPlanned:
    manifest = Manifest(name="night", base=None, target="orchestrator/night", beads=beads)
    return m.RunPlanned(at=1.0, manifest=manifest, target_base=Commit("0" * 40), token=Token(token))


def bead(name: str, *files: str, shared: bool = False) -> Bead:
    claims = tuple(Claim(pattern=pattern, shared=shared) for pattern in files)
    return Bead(id=BeadId(name), title=name, prompt=name, files=claims, routes=(RouteName("x"),))


def started(name: str, *, token: int, number: int = 1, worker: str = "w1") -> m.AttemptStarted:
    return m.AttemptStarted(
        at=2.0,
        token=Token(token),
        bead=BeadId(name),
        number=number,
        worker=WorkerId(worker),
        route=RouteName("x"),
    )


def ended(name: str, *, token: int) -> m.AttemptEnded:
    return m.AttemptEnded(
        at=3.0,
        token=Token(token),
        bead=BeadId(name),
        number=1,
        worker=WorkerId("w1"),
        route=RouteName("x"),
        ending=Ending.DELIVERED,
        reason="",
        seconds=1.0,
        usage=Usage(),
    )


def test_a_second_writer_is_told_who_the_first_one_is(tmp_path: Path) -> None:
    """Refused with pid, host and start; the first one is not disturbed."""
    database = Database.write(tmp_path)
    database.take(ProcessName(pid=4711, started=1.0), "nighthost", 1_700_000_000.0, "overnight")
    with pytest.raises(StoreTaken, match=r"'overnight', pid 4711 on nighthost, since 2023-11-14 22:13:20 UTC") as told:
        Database.write(tmp_path)
    assert told.value.holder is not None
    assert told.value.holder.process.pid == 4711
    database.close()
    Database.write(tmp_path).close()


def test_the_lock_ends_with_a_killed_writer(tmp_path: Path) -> None:
    """`kill -9` leaves no lock behind, and no reader takes the dead writer for a live one."""
    code = (
        "import sys, time; from pathlib import Path; from orchestrator.store import Database;"
        "d = Database.write(Path(sys.argv[1])); print('have it', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"have it\n"
        with pytest.raises(StoreTaken):
            Database.write(tmp_path)
        writer.kill()
        writer.wait()
        database = Database.write(tmp_path)
        assert database.holder() is None  # it has taken no run yet
        database.close()
    finally:
        writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()


def test_a_reader_that_looks_for_a_writer_is_not_taken_for_one(tmp_path: Path) -> None:
    """`status` in a loop never makes a starting `run` believe that somebody else is at work."""
    Database.write(tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from orchestrator.store import Database;"
        "d = Database.read(Path(sys.argv[1])); print('looking', flush=True)\n"
        "while True: d.holder()"
    )
    reader = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"looking\n"
        for _ in range(20):
            Database.write(tmp_path).close()
    finally:
        reader.kill()
        reader.wait()
        assert reader.stdout is not None
        reader.stdout.close()


def test_an_attempt_number_is_never_used_twice(tmp_path: Path) -> None:
    """The database itself refuses it, in this run or in a later one; the whole batch is refused with it."""
    database = Database.write(tmp_path)
    first = database.begin(planned(bead("a")), "one")
    first.append([started("a", token=1), ended("a", token=1)])
    second = database.begin(planned(bead("a"), bead("b")), "two")
    with pytest.raises(StoreFault, match=r"attempts\.bead, attempts\.number"):
        second.append([started("b", token=2), started("a", token=3, worker="w2")])
    assert len(list(second.events())) == 1
    assert database.numbers() == {"a": 1}
    assert database.token() == 1
    database.close()


def test_a_bead_is_never_with_two_workers(tmp_path: Path) -> None:
    """Nor a worker with two beads: the invariants stand a second time as constraints."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a"), bead("b")), "one")
    store.append([started("a", token=1)])
    with pytest.raises(StoreFault, match=r"attempts\.run, attempts\.bead"):
        store.append([started("a", token=2, number=2, worker="w2")])
    with pytest.raises(StoreFault, match=r"attempts\.run, attempts\.worker"):
        store.append([started("b", token=2)])
    database.close()


def test_files_are_held_by_one_until_let_go(tmp_path: Path) -> None:
    """An exclusive lease keeps others out; a shared one lets readers in; landing lets go."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a", "src/x"), bead("b", "src/x"), bead("c", "r", shared=True)), "one")
    store.append([started("a", token=1), started("c", token=2, worker="w2")])
    assert database.leases(store.run) == ("a", "c")
    with pytest.raises(StoreFault, match="leases"):
        store.append([started("b", token=3, worker="w3")])
    landed = m.BeadLanded(at=4.0, bead=BeadId("a"), token=Token(1), commit=Commit("c"), tree=Tree("t"))
    store.append([ended("a", token=1), landed])
    store.append([started("b", token=3, worker="w3")])
    assert database.leases(store.run) == ("b", "c")
    with pytest.raises(StoreFault, match="landings"):
        store.append([landed])
    database.close()


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    """What was committed stays, the batch that did not fit is refused whole."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a")), "one")
    pages = database._db.execute("PRAGMA page_count").fetchone()[0]
    database._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    note = m.AgentProgressed(at=2.0, token=Token(1), note="x" * 100_000)
    with pytest.raises(StoreFull, match="make room"):
        store.append([note])
    assert len(list(store.events())) == 1
    database._db.execute(f"PRAGMA max_page_count = {pages + 200}")
    store.append([note])
    assert len(list(store.events())) == 2
    database.close()


def test_a_batch_that_did_not_fit_can_be_written_again_with_all_that_follows_from_it(tmp_path: Path) -> None:
    """What it took and let go of is taken and let go of once: a lease that a refused batch freed is not forgotten."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a", "f"), bead("b", "f")), "one")
    store.append([started("a", token=1)])
    landed = m.BeadLanded(at=4.0, bead=BeadId("a"), token=Token(1), commit=Commit("c"), tree=Tree("t"))
    batch = [ended("a", token=1), landed, m.AgentProgressed(at=4.0, token=Token(1), note="x" * 100_000)]
    pages = database._db.execute("PRAGMA page_count").fetchone()[0]
    database._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    for _ in range(2):
        with pytest.raises(StoreFull):
            store.append(batch)
    assert database.leases(store.run) == ("a",)
    database._db.execute(f"PRAGMA max_page_count = {pages + 200}")
    store.append(batch)
    assert database.leases(store.run) == ()
    store.append([started("b", token=2)])
    assert database.leases(store.run) == ("b",)
    database.close()


def test_what_agents_muttered_goes_once_their_attempt_is_over(tmp_path: Path) -> None:
    """Of one under way its last word stays; the room is used again, so that weeks of it need no more than a day."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a"), bead("b")), "one")
    store.append([started("a", token=1), started("b", token=2, worker="w2")])
    mutter = [m.AgentProgressed(at=2.5, token=Token(token), note="x" * 1000) for token in (1, 2)]

    def much() -> int:
        for _ in range(200):
            store.append(mutter)
        return int(database._db.execute("PRAGMA page_count").fetchone()[0])

    most = much()
    store.append([ended("a", token=1)])
    assert store.tidy() == 200 + 199
    assert sum(isinstance(event, m.AgentProgressed) for event in store.events()) == 1
    mutter = mutter[1:]
    assert much() <= most + 2
    database.close()


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    """With what to do about it; and it is not touched."""
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreDamaged, match="move it away"):
        Database.write(tmp_path)
    assert (tmp_path / FILE).read_bytes().startswith(b"this is no database")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    """An older program does not write into a newer one's state."""
    Database.write(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match="schema 99"):
        Database.write(tmp_path)
    with pytest.raises(StoreTooNew):
        Database.read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Whose fault it is, and what to look at."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreReadOnly, match="permissions"):
            Database.write(tmp_path / "state")
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_sees_what_is_committed_while_a_writer_writes(tmp_path: Path) -> None:
    """WAL: the reader neither waits nor sees half a batch; and it cannot write."""
    database = Database.write(tmp_path)
    store = database.begin(planned(bead("a")), "one")
    reader = Database.read(tmp_path)
    database._db.execute("BEGIN IMMEDIATE")
    store.write_all([started("a", token=1)])
    begun = time.monotonic()
    assert len(list(reader.events_of(store.run))) == 1
    assert time.monotonic() - begun < 5
    database._db.execute("COMMIT")
    assert len(list(reader.events_of(store.run))) == 2
    with pytest.raises(StoreReadOnly):
        reader.take(ProcessName(pid=1, started=1.0), "h", 1.0, "r")
    reader.close()
    database.close()


def test_the_newest_run_of_a_name_is_found(tmp_path: Path) -> None:
    """A run goes on where the newest one of its name stands."""
    database = Database.write(tmp_path)
    assert database.newest("night") is None
    database.begin(planned(bead("a")), "one")
    database.begin(planned(bead("a")), "two")
    row = database.newest("night")
    assert row is not None
    assert (row.digest, row.state) == ("two", "running")
    assert database.newest("other") is None
    database.close()
