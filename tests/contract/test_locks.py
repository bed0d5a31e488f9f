"""One suite for every implementation of the lock table's port."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.claims import clash
from orchestrator.core.model import Claim, Token
from orchestrator.runtime.locking import Lease, LockTable, StaleToken
from orchestrator.store import Database, MemoryLocks, SqliteLocks
from orchestrator.store.connections import FILE
from orchestrator.store.connections import steps as schema

SRC, DOCS = Claim(pattern="src/**"), Claim(pattern="docs")
READS = Claim(pattern="src/a.py", shared=True)


def tables(kind: str, folder: Path) -> LockTable:
    if kind == "memory":
        return MemoryLocks()
    Database.write(folder / "state").close()
    return SqliteLocks.open(folder / "state" / FILE)


@pytest.fixture(params=["sqlite", "memory"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LockTable]:
    made = tables(request.param, tmp_path)
    assert not made.renew("p", 100.0)
    assert not made.renew("q", 100.0)
    yield made
    if isinstance(made, SqliteLocks):
        made.close()


def held(answer: Lease | tuple[Lease, ...]) -> Lease:
    assert isinstance(answer, Lease), f"refused: {answer}"
    return answer


def test_all_or_none(table: LockTable) -> None:
    """One claim that somebody holds, and nothing of the whole is taken: not even the bead."""
    first = held(table.acquire("p", None, "a", [SRC], 1.0))
    answer = table.acquire("q", None, "b", [DOCS, READS], 1.0)
    assert isinstance(answer, tuple)
    assert [(each.owner, each.bead, each.token) for each in answer] == [("p", "a", first.token)]
    held(table.acquire("q", None, "c", [DOCS], 1.0))
    assert [lease.bead for lease in table.leases()] == ["a", "c"]


def test_a_bead_is_leased_once(table: LockTable) -> None:
    """Whatever files are wanted with it."""
    held(table.acquire("p", None, "a", [], 1.0))
    assert isinstance(table.acquire("q", None, "a", [DOCS], 1.0), tuple)


def test_readers_share_and_keep_writers_out(table: LockTable) -> None:
    """Shared with shared is no conflict, shared with exclusive is one."""
    held(table.acquire("p", None, "a", [READS], 1.0))
    held(table.acquire("q", None, "b", [READS], 1.0))
    assert isinstance(table.acquire("q", None, "c", [SRC], 1.0), tuple)


def test_more_is_added_to_a_lease_and_goes_with_it(table: LockTable) -> None:
    """A shared claim may become exclusive; released is released whole."""
    lease = held(table.acquire("p", None, "a", [READS], 1.0))
    held(table.acquire("p", lease.token, "a", [DOCS, Claim(pattern=READS.pattern)], 2.0))
    assert isinstance(table.acquire("q", None, "b", [READS], 3.0), tuple)
    assert table.release(lease.token)
    assert not table.release(lease.token)
    held(table.acquire("q", None, "b", [READS, DOCS], 3.0))


def test_what_a_dead_owner_holds_is_free_when_its_time_is_over(table: LockTable) -> None:
    """Nobody need know of its death; a heartbeat keeps it."""
    held(table.acquire("p", None, "a", [SRC], 1.0))
    assert isinstance(table.acquire("q", None, "b", [SRC], 99.0), tuple)
    assert table.renew("p", 200.0)
    assert table.renew("q", 300.0)
    assert isinstance(table.acquire("q", None, "b", [SRC], 150.0), tuple)
    held(table.acquire("q", None, "b", [SRC], 200.0))


def test_who_was_given_up_for_dead_is_refused(table: LockTable) -> None:
    """Its token, its heartbeat and its wish for more: all say that its time was over."""
    lease = held(table.acquire("p", None, "a", [SRC], 1.0))
    table.check(lease.token, 99.0)
    with pytest.raises(StaleToken):
        table.check(lease.token, 100.0)
    assert table.expire(100.0) == 2
    with pytest.raises(StaleToken, match="p"):
        table.acquire("p", None, "a", [DOCS], 101.0)
    assert not table.renew("p", 200.0)
    with pytest.raises(StaleToken, match="not new"):
        table.acquire("p", lease.token, "a", [DOCS], 101.0)


def test_tokens_grow(table: LockTable) -> None:
    """Whoever gets a lease later has the higher token, whether given or drawn; none is anybody else's."""
    first = held(table.acquire("p", None, "a", [], 1.0))
    second = held(table.acquire("q", Token(first.token + 5), "b", [], 1.0))
    third = held(table.acquire("p", None, "c", [], 1.0))
    assert first.token < second.token < third.token
    with pytest.raises(StaleToken, match="another's"):
        table.acquire("q", first.token, "b", [DOCS], 1.0)


def test_an_owner_that_proves_itself_gets_back_what_it_had(table: LockTable) -> None:
    """Those leases and no others; not what somebody else has by now."""
    old = held(table.acquire("p", None, "a", [SRC], 1.0))
    held(table.acquire("p", None, "b", [DOCS], 1.0))
    table.adopt("p", 500.0, [old])
    assert [lease.bead for lease in table.leases()] == ["a"]
    table.check(old.token, 400.0)
    table.resign("p")
    assert table.leases() == []
    held(table.acquire("q", None, "c", [READS], 2.0))
    with pytest.raises(StaleToken):
        table.adopt("p", 500.0, [old])
    assert [lease.bead for lease in table.leases()] == ["c"]


OWNERS, BEADS = st.sampled_from(["p", "q", "r"]), st.sampled_from(["a", "b", "c", "d"])
CLAIMS = st.lists(
    st.builds(Claim, pattern=st.sampled_from(["x", "x/y", "x/*", "y", "**/y", "z"]), shared=st.booleans()), max_size=3
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), OWNERS, BEADS, CLAIMS),
        st.tuples(st.just("release"), st.integers(1, 6)),
        st.tuples(st.just("renew"), OWNERS),
        st.tuples(st.just("wait"), st.integers(1, 30)),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_every_implementation_says_the_same(steps: list[tuple[object, ...]]) -> None:
    """Step by step; and no two leases ever clash."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    for _, script in schema():
        connection.executescript(script)
    sqlite, memory, at = SqliteLocks(connection), MemoryLocks(), 0.0

    def both(step: tuple[object, ...]) -> list[object]:
        said: list[object] = []
        for table in (sqlite, memory):
            try:
                match step:
                    case ("acquire", str(owner), str(bead), list(claims)):
                        answer = table.acquire(owner, None, bead, claims, at)
                        said.append(
                            answer.token if isinstance(answer, Lease) else sorted(each.token for each in answer)
                        )
                    case ("release", int(back)):
                        said.append(table.release(Token(back)))
                    case ("renew", str(owner)):
                        said.append(table.renew(owner, at + 20.0))
            except StaleToken:
                said.append("stale")
        return said

    for step in steps:
        at += float(step[1]) if step[0] == "wait" else 0.1  # type: ignore[arg-type]
        said = both(step)
        assert said[:1] == said[1:]
        leases = sqlite.leases()
        assert [(lease.token, set(lease.claims)) for lease in leases if lease.claims] == [
            (lease.token, strictest(lease.claims)) for lease in memory.leases() if lease.claims
        ]
        for place, one in enumerate(leases):
            assert not any(clash(one.claims, other.claims) for other in leases[place + 1 :])
    sqlite.close()


def strictest(claims: tuple[Claim, ...]) -> set[Claim]:
    """A pattern named both ways is exclusive."""
    exclusive = {claim.pattern for claim in claims if not claim.shared}
    return {claim for claim in claims if not claim.shared or claim.pattern not in exclusive}
