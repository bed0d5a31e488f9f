"""Events as text, and back. Old texts must load for ever: fields are only ever added, with a default."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec

from orchestrator.core import messages as m
from orchestrator.core.model import Bead, Budget, Manifest, Policy
from orchestrator.runtime.ports import StoreTooNew

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


def digest(manifest: Manifest) -> str:
    """Tells two manifests apart by what is to be done: settings of the run may change from one start to the next."""
    work = replace(manifest, policy=Policy(), budget=Budget(), skipped=())
    return hashlib.sha256(msgspec.json.encode(work, order="sorted")).hexdigest()


def task(bead: Bead) -> str:
    """Tells what a bead asks for from what another bead of the same id, in another night, asked for."""
    return hashlib.sha256(msgspec.json.encode([bead.title, bead.prompt, bead.command])).hexdigest()[:16]
