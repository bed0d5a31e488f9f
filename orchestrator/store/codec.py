"""Events as text, and back. Old texts must load for ever: fields are only ever added, with a default."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import msgspec

from orchestrator.core import messages as m
from orchestrator.core.changes.attempts import condensed
from orchestrator.core.model import Bead, BeadId, Budget, Manifest, Policy, Token
from orchestrator.core.values import replace
from orchestrator.runtime.ports import Request, StoreTooNew

KINDS: dict[str, type[m.Event]] = {kind.__name__: kind for kind in m.Event.__subclasses__()}


def encode(event: m.Event) -> str:
    return msgspec.json.encode(event).decode()


def decode(kind: str, body: str) -> m.Event:
    """Raises `StoreTooNew` for a kind of event that this version does not know."""
    if kind not in KINDS:
        raise StoreTooNew(
            f"the state holds an event {kind!r} that this version does not know; use a newer orchestrator"
        )
    return msgspec.json.decode(body, type=KINDS[kind])


def muttered(log: Iterable[tuple[int, m.Event]], over: Collection[Token]) -> tuple[list[int], dict[int, m.Event]]:
    """What a log, with the numbers of its events, need not hold: those that go, and those that say it for them.

    Progress of an attempt that is over says nothing to anybody; of one that is not, the newest says it all.
    """
    gone: list[int] = []
    standing: dict[Token, tuple[int, m.AgentProgressed]] = {}
    changed: dict[int, m.Event] = {}
    for seq, event in log:
        if not isinstance(event, m.AgentProgressed):
            continue
        if event.token in over:
            gone.append(seq)
            continue
        if event.token in standing:
            before, one = standing[event.token]
            both = condensed(one, event)
            if both is not None:
                gone.append(before)
                changed.pop(before, None)
                event = both
                changed[seq] = both
        standing[event.token] = seq, event
    return gone, changed


_LOCK = "lock"
"""The verb of a request that comes from a session."""
_FORCED = "add-workers-forced"
"""The verb of a row that adds workers however short the machine is."""


def request_to_row(asked: Request) -> tuple[str, str | None, str, str, float]:
    """Its verb, bead, text, who asked, and when."""
    if isinstance(asked, m.Asked):
        with_it = asked.revision or asked.settings
        text = msgspec.json.encode(with_it).decode() if with_it is not None else asked.text
        return _FORCED if asked.forced else asked.verb, asked.bead, text, asked.by, asked.at
    return _LOCK, None, msgspec.json.encode(asked).decode(), f"token {asked.token}", asked.at


def request_of_row(row: tuple[int, str, BeadId | None, str, str, float]) -> Request:
    request, verb, bead, text, by, at = row
    if verb == _LOCK:
        return replace(msgspec.json.decode(text, type=m.LocksAsked), request=request, at=at)
    if verb == m.Verb.APPLY:
        revision = msgspec.json.decode(text, type=m.Revision)
        return m.Asked(request=request, verb=m.Verb.APPLY, by=by, at=at, revision=revision)
    if verb == m.Verb.RELOAD:
        settings = msgspec.json.decode(text, type=m.Settings)
        return m.Asked(request=request, verb=m.Verb.RELOAD, by=by, at=at, settings=settings)
    forced = verb == _FORCED
    kind = m.Verb.ADD_WORKERS if forced else m.Verb(verb)
    return m.Asked(request=request, verb=kind, bead=bead, text=text, forced=forced, by=by, at=at)


def digest(manifest: Manifest) -> str:
    """Tells two manifests apart by what is to be done: settings of the run may change from one start to the next."""
    work = replace(manifest, policy=Policy(), budget=Budget(), skipped=())
    return hashlib.sha256(msgspec.json.encode(work, order="sorted")).hexdigest()


def task(bead: Bead) -> str:
    """Tells what a bead asks for from what another bead of the same id, in another night, asked for."""
    return hashlib.sha256(msgspec.json.encode([bead.title, bead.prompt, bead.command])).hexdigest()[:16]
