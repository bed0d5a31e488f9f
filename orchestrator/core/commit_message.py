"""What the commit says as which a bead lands: the manifest's template, filled in.

Does not know the trailers that go below it, nor which commits there are.
"""

from __future__ import annotations

from functools import lru_cache

from orchestrator.core.records import Attempt
from orchestrator.core.state import State
from orchestrator.core.template import Text

PLACEHOLDERS = ("title", "bead", "prompt", "route", "attempt", "run")


def message(state: State, attempt: Attempt) -> str:
    """Whatever the template makes of it, the first line says something."""
    spec = state.beads[attempt.bead].spec
    values = {
        "title": " ".join(spec.title.split()),
        "bead": spec.id,
        "prompt": (spec.prompt or spec.command or "").strip(),
        "route": attempt.route,
        "attempt": str(attempt.number),
        "run": state.manifest.name,
    }
    return _parsed(state.policy.message).fill(values).strip() or values["title"]


@lru_cache
def _parsed(template: str) -> Text:
    return Text.parse(template, PLACEHOLDERS)
