"""What a person may ask for, and what is said of what does not fit."""

from __future__ import annotations

import pytest

from orchestrator.alerts.rules import BUILT_IN, Level
from orchestrator.alerts.settings import faults, settings


def test_without_words_the_built_in_rules_hold() -> None:
    assert settings({}).rules == BUILT_IN
    assert settings({}).to == ()


def test_a_rule_is_changed_silenced_and_added() -> None:
    table = {
        "level": "info",
        "rules": {
            "failed": {"level": "error", "threshold": 3, "cooldown": 5.0},
            "spiral": {"off": True},
            "slow": {"on": "landing.delayed", "window": 60.0},
        },
    }
    asked = settings(table)
    rules = {rule.name: rule for rule in asked.rules}
    assert asked.level is Level.INFO
    assert (rules["failed"].level, rules["failed"].threshold, rules["failed"].cooldown_s) == (Level.ERROR, 3, 5.0)
    assert "spiral" not in rules
    assert (rules["slow"].level, rules["slow"].window_s) == (Level.WARNING, 60.0)
    assert not list(faults(table))


@pytest.mark.parametrize(
    ("table", "place", "words"),
    [
        ({"rules": {"fialed": {"level": "error"}}}, ("rules", "fialed"), "did you mean 'failed'?"),
        ({"rules": {"mine": {"on": "landing.delaid"}}}, ("rules", "mine", "on"), "did you mean 'landing.delayed'?"),
        ({"rules": {"held": {"on": "bead.held"}}}, ("rules", "held", "on"), "built-in"),
        ({"to": ["json://${NOT_SET_ANYWHERE}"]}, ("to", 0), "NOT_SET_ANYWHERE is not set"),
        ({"to": ["nothing://x"]}, ("to", 0), "no address that apprise knows"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(
    table: dict[str, object], place: tuple[str | int, ...], words: str
) -> None:
    pytest.importorskip("apprise")
    ((where, message),) = faults(table)
    assert where == place
    assert words in message


def test_an_address_is_never_said_whole() -> None:
    """It may hold a token."""
    pytest.importorskip("apprise")
    ((_, message),) = faults({"to": ["nothing://secret-token"]})
    assert "secret-token" not in message
