"""Modes: what stands under `interactive` is laid over a profile when that mode is chosen, and is nowhere otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.profile import Stream


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_a_built_in_agent_in_both_modes(program: str) -> None:
    """Typed into and nudged on a terminal for people; neither, and no screen, without one."""
    headless = Catalog({}, Path()).profile(program)
    interactive = Catalog({program: {"mode": "interactive"}}, Path()).profile(program)
    assert (headless.typed, headless.stream, headless.screen, headless.nudge) == (False, Stream.JSON, None, "")
    assert (interactive.typed, interactive.stream) == (True, Stream.SCREEN)
    assert interactive.nudge
    assert interactive.leave
    assert not any("prompt" in text.names for group in interactive.command.groups for text in group)


def test_parts_of_a_mode_can_be_changed() -> None:
    """As any other part."""
    override = {"mode": "interactive", "interactive": {"nudge": "Hm?", "screen": {"ready": "ok> $"}}}
    profile = Catalog({"claude": override}, Path()).profile("claude")
    assert profile.nudge == "Hm?"
    assert profile.screen is not None
    assert profile.screen.ready is not None
    assert profile.screen.ready.pattern == "ok> $"
    assert profile.screen.dialogs


@pytest.mark.parametrize(
    ("program", "override", "said"),
    [
        ("aider", {"mode": "interactive"}, "no table of that name"),
        ("claude", {"mode": "loud"}, "known are headless, interactive"),
        ("mine", {"command": "mine", "typed": True}, "screen.ready"),
        ("mine", {"command": "mine", "stream": "screen"}, "no screen table"),
        ("mine", {"command": "mine", "screen": {"dialogs": [{"shows": "("}]}}, "no regular expression"),
    ],
)
def test_a_mode_that_cannot_be_is_refused(program: str, override: dict[str, object], said: str) -> None:
    """With what is missing."""
    faults = Catalog({program: override}, Path()).faults(program)
    assert any(said in message for _, message in faults), faults
