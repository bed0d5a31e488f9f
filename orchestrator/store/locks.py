"""The lock table in SQLite (`runtime.locking.LockTable`), for as many processes as like.

SQLite's own waiting (`busy_timeout`) is unfair: whoever comes last may be served first, and with eight writers some
wait for seconds. So a transaction of its own begins in short tries with jitter.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.claims import clash
from orchestrator.core.model import Claim, Token
from orchestrator.core.patterns import beginning
from orchestrator.runtime.locking import Lease, StaleToken
from orchestrator.runtime.ports import StoreFault

PATIENCE_S = 30.0
"""How long a transaction is asked for."""
TRY_AGAIN_S = 0.004
"""The most that is waited between two tries; ours take a fraction of a millisecond."""


class SqliteLocks:
    def __init__(self, connection: sqlite3.Connection) -> None:
        """On a connection of the caller's, with `foreign_keys` on and the schema in place."""
        self._db = connection

    @classmethod
    def open(cls, file: Path) -> SqliteLocks:
        """With a connection of its own, on a state that is there. It does not sync: locks need not outlive a power cut,
        because their owners do not."""
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0.0, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return cls(connection)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The caller's, where there is one; else one of its own. Raises `StoreFault` when none was to be had."""
        if self._db.in_transaction:
            yield
            return
        self._begin()
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def renew(self, owner: str, until: float) -> bool:
        with self.transaction():
            if self._db.execute('UPDATE owners SET "until" = ? WHERE owner = ?', (until, owner)).rowcount:
                return True
            self._db.execute("INSERT INTO owners VALUES (?, ?)", (owner, until))
        return False

    def acquire(
        self, owner: str, token: Token | None, bead: str, claims: Sequence[Claim], at: float
    ) -> Lease | tuple[Lease, ...]:
        stale: StaleToken | None = None
        with self.transaction():
            self.expire(at)  # and that stays so, whatever becomes of the wish
            try:
                answer = self._take(owner, token, bead, claims, at)
            except StaleToken as refused:
                stale = refused
        if stale is not None:
            raise stale
        return answer

    def adopt(self, owner: str, until: float, leases: Iterable[Lease]) -> None:
        with self.transaction():
            self.resign(owner)
            self.renew(owner, until)
            for lease in leases:
                against = self._against(lease.token, lease.bead, lease.claims)
                if against:
                    raise StaleToken(f"{lease.bead}: held by {against[0].bead} of {against[0].owner}")
                self._db.execute("UPDATE fence SET highest = max(highest, ?)", (lease.token,))
                self._lease(owner, lease.token, lease.bead, lease.since)
                self._lock(lease.token, lease.claims)

    def check(self, token: Token, at: float) -> None:
        row = self._db.execute(
            'SELECT "until" FROM leases JOIN owners USING (owner) WHERE token = ?', (token,)
        ).fetchone()
        if row is None or row[0] <= at:
            raise StaleToken(f"the lease of token {token} is over")

    def release(self, token: Token) -> bool:
        with self.transaction():
            return bool(self._db.execute("DELETE FROM leases WHERE token = ?", (token,)).rowcount)

    def give_up(self, token: Token, claims: Sequence[Claim]) -> None:
        with self.transaction():
            self._db.executemany(
                "DELETE FROM locks WHERE token = ? AND pattern = ?", [(token, claim.pattern) for claim in claims]
            )

    def resign(self, owner: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM owners WHERE owner = ?", (owner,))

    def expire(self, at: float) -> int:
        with self.transaction():
            return self._db.execute('DELETE FROM owners WHERE "until" <= ?', (at,)).rowcount

    def leases(self) -> Sequence[Lease]:
        rows = self._db.execute(
            "SELECT owner, bead, token, since, pattern, shared FROM leases LEFT JOIN locks USING (token)"
            " ORDER BY token, pattern"
        ).fetchall()
        found: dict[int, list[Claim]] = {row[2]: [] for row in rows}
        for row in rows:
            if row[4] is not None:
                found[row[2]].append(Claim(pattern=row[4], shared=bool(row[5])))
        return [
            Lease(owner=row[0], bead=row[1], token=Token(row[2]), since=row[3], claims=tuple(found[row[2]]))
            for row in {row[2]: row for row in rows}.values()
        ]

    # ------------------------------------------------------------ inside a transaction

    def _begin(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as busy:
                if "locked" not in str(busy) or time.monotonic() > until:
                    raise StoreFault(f"the locks cannot be had: {busy}") from busy
                time.sleep(random.uniform(0.0, TRY_AGAIN_S))
            else:
                return

    def _take(
        self, owner: str, token: Token | None, bead: str, claims: Sequence[Claim], at: float
    ) -> Lease | tuple[Lease, ...]:
        own = token and self._db.execute("SELECT owner, bead FROM leases WHERE token = ?", (token,)).fetchone()
        if own and own != (owner, bead):
            raise StaleToken(f"token {token} is another's: {own[1]} of {own[0]}")
        against = self._against(token, bead, claims)
        if against:
            return against
        if not own:
            self._check_owner(owner)
            token = self._next(token)
            self._lease(owner, token, bead, at)
        assert token is not None
        self._lock(token, claims)
        return Lease(owner=owner, bead=bead, token=token, claims=tuple(claims), since=at)

    def _check_owner(self, owner: str) -> None:
        if self._db.execute("SELECT 1 FROM owners WHERE owner = ?", (owner,)).fetchone() is None:
            raise StaleToken(f"the time of {owner} is over: it holds nothing any more")

    def _next(self, given: Token | None) -> Token:
        """Drawn here and not before: whoever gets a lease later has the higher token."""
        highest: int = self._db.execute("SELECT highest FROM fence").fetchone()[0]
        if given is not None and given <= highest:
            raise StaleToken(f"token {given} is not new: {highest} was used")
        token = Token(highest + 1) if given is None else given
        self._db.execute("UPDATE fence SET highest = ?", (token,))
        return token

    def _against(self, token: Token | None, bead: str, claims: Sequence[Claim]) -> tuple[Lease, ...]:
        """A lease on the same bead, and every one whose files meet."""
        found = {
            row[2]: Lease(owner=row[0], bead=row[1], token=Token(row[2]), since=row[3], claims=())
            for row in self._db.execute(
                "SELECT owner, bead, token, since FROM leases WHERE bead = ? AND token <> ?", (bead, token or 0)
            )
        }
        near, values = _near(claims)
        rows = self._db.execute(
            "SELECT owner, bead, token, since, pattern, shared FROM locks JOIN leases USING (token)"
            f" WHERE token <> ? AND ({near})",
            (token or 0, *values),
        ).fetchall()
        for owner, other, theirs, since, pattern, shared in rows:
            held = (Claim(pattern=pattern, shared=bool(shared)),)
            if theirs not in found and clash(claims, held):
                found[theirs] = Lease(owner=owner, bead=other, token=Token(theirs), since=since, claims=held)
        return tuple(found.values())

    def _lease(self, owner: str, token: Token, bead: str, at: float) -> None:
        self._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?)", (token, owner, bead, at))

    def _lock(self, token: Token, claims: Sequence[Claim]) -> None:
        """Each pattern once; named both ways, it is exclusive."""
        self._db.executemany(
            "INSERT INTO locks VALUES (?, ?, ?, ?)"
            " ON CONFLICT (token, pattern) DO UPDATE SET shared = min(shared, excluded.shared)",
            [(token, claim.pattern, int(claim.shared), beginning(claim.pattern)) for claim in claims],
        )


def _near(claims: Sequence[Claim]) -> tuple[str, list[str]]:
    """Which locks are to be looked at: those that begin where a claim does, above it, or below."""
    same: dict[str, None] = {"": None}
    below: list[str] = []
    for claim in claims:
        path = beginning(claim.pattern)
        if not path:
            return "1", []
        below += [f"{path}/", f"{path}0"]  # "0" comes right after "/"
        while path:
            same[path] = None
            path = path.rpartition("/")[0]
    places = ", ".join("?" * len(same))
    return f"path IN ({places})" + " OR (path > ? AND path < ?)" * (len(below) // 2), [*same, *below]
