"""Sessions of programs that end in every way that a program can: a smaller one of `scripts/storm-sessions`."""

from __future__ import annotations

from pathlib import Path

from scripts.storm_sessions import storm


def test_every_end_is_told_once_and_as_it_was_and_nothing_is_left(tmp_path: Path) -> None:
    told = storm(64, at_once=8, seed=7, folder=tmp_path)
    assert told.holds, told
