"""What the events of collisions change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.attempts import owe
from orchestrator.core.changes.moving import update_attempt
from orchestrator.core.model import Collisions
from orchestrator.core.records import Collision
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def collision_seen(state: Standing, event: m.CollisionSeen) -> None:
    """Who is put back for it is not run beside the other one again."""
    put_back = event.answer is Collisions.PUT_BACK
    seen = Collision(other=event.other, paths=event.paths, told=put_back or bool(event.text))
    attempt = state.attempts[event.token]
    attempt = update_attempt(state, event.token, collisions=(*attempt.collisions, seen))
    if event.text:
        owe(state, attempt, event.text)
    if put_back and event.other:
        state.collided.setdefault(event.bead, {})[event.other] = None
        state.collided.setdefault(event.other, {})[event.bead] = None


def collision_told(state: Standing, event: m.CollisionTold) -> None:
    told = tuple(replace(each, told=True) for each in state.attempts[event.token].collisions)
    update_attempt(state, event.token, collisions=told)


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.CollisionSeen: collision_seen,
    m.CollisionTold: collision_told,
}
