"""A store and a lock table that forget everything with their process: for tests and benchmarks of what uses one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.core import messages as m
from orchestrator.core.claims import added, clash
from orchestrator.core.model import Claim, Token
from orchestrator.core.values import replace
from orchestrator.runtime.locking import Lease, StaleToken
from orchestrator.runtime.ports import Request
from orchestrator.store.codec import decode, encode, muttered


class MemoryStore:
    """Keeps texts, as a database does, so that an event which cannot be written is noticed here too."""

    def __init__(self) -> None:
        self._log: list[tuple[str, str]] = []
        self._asked: list[Request] = []

    def append(self, events: Sequence[m.Event]) -> None:
        self._log += [(type(event).__name__, encode(event)) for event in events]
        answered = {event.request for event in events if isinstance(event, m.RequestAnswered)}
        self._asked = [asked for asked in self._asked if asked.request not in answered]

    def events(self) -> Iterable[m.Event]:
        return [decode(kind, body) for kind, body in self._log]

    def ask(self, asked: Request) -> None:
        self._asked.append(asked)

    def requests(self) -> Sequence[Request]:
        return list(self._asked)

    def beat(self, at: float) -> None:
        """Nobody else is there to believe it."""

    def tidy(self) -> int:
        events = list(self.events())
        over = {event.token for event in events if isinstance(event, m.AttemptEnded)}
        gone, changed = muttered(enumerate(events), over)
        kept = [changed.get(place, event) for place, event in enumerate(events) if place not in gone]
        self._log = []
        self.append(kept)
        return len(gone)

    def close(self) -> None:
        """Nothing is held."""


class MemoryLocks:
    """Within one process, and one thread."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._leases: dict[Token, Lease] = {}
        self._highest = 0

    def renew(self, owner: str, until: float) -> bool:
        known = owner in self._until
        self._until[owner] = until
        return known

    def acquire(
        self, owner: str, token: Token | None, bead: str, claims: Sequence[Claim], at: float
    ) -> Lease | tuple[Lease, ...]:
        self.expire(at)
        own = self._leases.get(token) if token is not None else None
        if own is not None and (own.owner, own.bead) != (owner, bead):
            raise StaleToken(f"token {token} is another's: {own.bead} of {own.owner}")
        against = self._against(token, bead, claims)
        if against:
            return against
        if own is None:
            if owner not in self._until:
                raise StaleToken(f"the time of {owner} is over: it holds nothing any more")
            if token is not None and token <= self._highest:
                raise StaleToken(f"token {token} is not new: {self._highest} was used")
            token = token or Token(self._highest + 1)
            own = Lease(owner=owner, bead=bead, token=token, claims=(), since=at)
        self._keep(replace(own, claims=added(own.claims, claims)))
        return replace(own, claims=tuple(claims))

    def adopt(self, owner: str, until: float, leases: Iterable[Lease]) -> None:
        before = dict(self._leases), dict(self._until)
        self.resign(owner)
        self._until[owner] = until
        for lease in leases:
            if self._against(lease.token, lease.bead, lease.claims):
                self._leases, self._until = before
                raise StaleToken(f"{lease.bead}: held by another")
            self._keep(lease)

    def check(self, token: Token, at: float) -> None:
        lease = self._leases.get(token)
        if lease is None or self._until[lease.owner] <= at:
            raise StaleToken(f"the lease of token {token} is over")

    def release(self, token: Token) -> bool:
        return self._leases.pop(token, None) is not None

    def give_up(self, token: Token, claims: Sequence[Claim]) -> None:
        lease = self._leases.get(token)
        if lease is not None:
            gone = {claim.pattern for claim in claims}
            left = tuple(claim for claim in lease.claims if claim.pattern not in gone)
            self._leases[token] = replace(lease, claims=left)

    def resign(self, owner: str) -> None:
        self._until.pop(owner, None)
        self._leases = {token: lease for token, lease in self._leases.items() if lease.owner != owner}

    def expire(self, at: float) -> int:
        over = [owner for owner, until in self._until.items() if until <= at]
        for owner in over:
            self.resign(owner)
        return len(over)

    def leases(self) -> Sequence[Lease]:
        return [self._leases[token] for token in sorted(self._leases)]

    def _keep(self, lease: Lease) -> None:
        self._highest = max(self._highest, lease.token)
        self._leases[lease.token] = lease

    def _against(self, token: Token | None, bead: str, claims: Sequence[Claim]) -> tuple[Lease, ...]:
        return tuple(
            other
            for other in self._leases.values()
            if other.token != token and (other.bead == bead or clash(claims, other.claims))
        )
