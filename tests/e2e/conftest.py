"""A night for each test, ended and removed whatever becomes of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.night import Night


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """A folder with a repository of one commit."""
    made = Night(tmp_path / "night")
    made.make_repository()
    yield made
    made.close()


@pytest.fixture
def night_at(tmp_path: Path) -> Iterator[Callable[[str], Night]]:
    """The same, in a folder of the test's choosing."""
    made: list[Night] = []

    def make(name: str) -> Night:
        night = Night(tmp_path / name)
        night.make_repository()
        made.append(night)
        return night

    yield make
    for night in made:
        night.close()
