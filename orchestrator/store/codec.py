"""Events as text, and back. Old texts must load for ever: fields are only ever added, with a default."""

from __future__ import annotations

from typing import get_args

import msgspec

from orchestrator.core import messages as m
from orchestrator.runtime.ports import StoreTooNew

KINDS: dict[str, type[m.Event]] = {kind.__name__: kind for kind in m.Event.__subclasses__()}
assert not get_args(m.Event)


def encode(event: m.Event) -> str:
    return msgspec.json.encode(event).decode()


def decode(kind: str, body: str) -> m.Event:
    """Raises `StoreTooNew` for a kind of event that this version does not know."""
    if kind not in KINDS:
        raise StoreTooNew(
            f"the state holds an event {kind!r} that this version does not know; use a newer orchestrator"
        )
    return msgspec.json.decode(body, type=KINDS[kind])
