"""Manifests for real agent programs, and what became of their attempts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.agents.programs import Program
from tests.e2e.night import Night


def write(night: Night, chain: Sequence[Program], beads: list[dict[str, Any]], **settings: Any) -> None:
    """A manifest in which every bead has these programs as its chain; `settings` are keys of its top level."""
    night.write(
        {
            "name": "night",
            "routes": [program.route for program in chain],
            "backoff": {"first": "100ms"},
            "agents": {program.name: dict(program.override) for program in chain if program.override},
            "beads": beads,
            **settings,
        }
    )


def attempts(night: Night) -> list[dict[str, Any]]:
    """The canonical last line of each, in order."""
    log = night.state / "logs" / "run.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line["event"] == "attempt.ended"]
