"""Which attempt an event speaks of: most events carry a token or a bead only.

Keeps an attempt from its start until its bead goes on without it; so it stays as small as what is under way.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId
from orchestrator.core.records import Attempt
from orchestrator.core.values import Struct

_PARTINGS = (m.BeadReturned, m.BeadHeld, m.BeadLanded, m.BeadDone, m.BeadFailed, m.BeadCancelled)


class Entry(Struct, frozen=True, kw_only=True):
    token: Token
    bead: BeadId
    number: int
    worker: WorkerId
    route: RouteName
    started: float


class Roll:
    def __init__(self, attempts: Iterable[Attempt] = ()) -> None:
        """`attempts`: what is under way already (`State.attempts`), after a restart."""
        self._by_token: dict[Token, Entry] = {}
        self._by_bead: dict[BeadId, Entry] = {}
        for attempt in attempts:
            self._add(
                Entry(
                    token=attempt.token,
                    bead=attempt.bead,
                    number=attempt.number,
                    worker=attempt.worker,
                    route=attempt.route,
                    started=attempt.started,
                )
            )

    def hear(self, event: m.Event) -> Entry | None:
        """The attempt that the event is part of, if it is of one."""
        if isinstance(event, m.AttemptStarted):
            entry = Entry(
                token=event.token,
                bead=event.bead,
                number=event.number,
                worker=event.worker,
                route=event.route,
                started=event.at,
            )
            self._add(entry)
            return entry
        token: Token | None = getattr(event, "token", None)
        bead: BeadId | None = getattr(event, "bead", None)
        found = None
        if token is not None:
            found = self._by_token.get(token)
        elif bead is not None:
            found = self._by_bead.get(bead)
        if isinstance(event, _PARTINGS):
            self._drop(event.bead)
        return found

    def _add(self, entry: Entry) -> None:
        self._drop(entry.bead)
        self._by_token[entry.token] = entry
        self._by_bead[entry.bead] = entry

    def _drop(self, bead: BeadId) -> None:
        entry = self._by_bead.pop(bead, None)
        if entry is not None:
            self._by_token.pop(entry.token, None)
