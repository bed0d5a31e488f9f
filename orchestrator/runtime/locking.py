"""The port of the lock table: leases on a bead and its files, for several processes on one database.

An *owner* is whoever may die: a run, or another process. It says that it is there (`renew`) and until when it may be
believed; when that time is over, all that it holds is free. A *lease* is its right to one bead with its files, under a
fencing token that is never given twice. Times are seconds since the epoch, the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from orchestrator.core.model import Claim, Token
from orchestrator.core.values import Struct


class Lease(Struct, frozen=True, kw_only=True):
    owner: str
    bead: str
    token: Token
    claims: tuple[Claim, ...]
    since: float


class StaleToken(Exception):
    """Its lease is over: others may hold its files by now. What it protects must not be written."""


class LockTable(Protocol):
    """Each call is one transaction, or part of the one that its caller has opened."""

    def renew(self, owner: str, until: float) -> bool:
        """A heartbeat. False: it had none before, or was too late; it then holds nothing, and begins anew."""
        ...

    def acquire(
        self, owner: str, token: Token | None, bead: str, claims: Sequence[Claim], at: float
    ) -> Lease | tuple[Lease, ...]:
        """The bead and all of the claims, or nothing: a lease, or those that stand against it.

        Without a token the lease gets the next one. With the token of a lease that it has, the claims are added to
        that one. Raises `StaleToken` where its owner's time is over, or the token is not newer than all before it.
        """
        ...

    def adopt(self, owner: str, until: float, leases: Iterable[Lease]) -> None:
        """Make these leases, and no others, those of an owner: for one that proves by other means that it has them.

        Raises `StaleToken` where somebody else holds something of it.
        """
        ...

    def check(self, token: Token, at: float) -> None:
        """Raises `StaleToken` unless its lease stands: to be asked in the transaction of what it protects."""
        ...

    def release(self, token: Token) -> bool:
        """All of a lease. False: it was over already."""
        ...

    def give_up(self, token: Token, claims: Sequence[Claim]) -> None:
        """These patterns of a lease, which stands."""
        ...

    def resign(self, owner: str) -> None:
        """All of an owner."""
        ...

    def expire(self, at: float) -> int:
        """Free what belongs to owners whose time is over; how many they were. `acquire` does it by itself."""
        ...

    def leases(self) -> Sequence[Lease]:
        """All that stand, by token."""
        ...
