"""How much room recordings take."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.sessions.recordings import let_go


def record(folder: Path, *names: str) -> None:
    """A hundred bytes each, the first the oldest."""
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"x" * 100)
        os.utime(folder / name, (1000 + age, 1000 + age))


def test_the_oldest_go_until_the_others_fit(tmp_path: Path) -> None:
    record(tmp_path, "a.1.cast", "b.1.cast", "c.1.cast", "d.1.cast")
    assert let_go(tmp_path, 250, ()) == ["a.1.cast", "b.1.cast"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.1.cast", "d.1.cast"]
    assert let_go(tmp_path, 250, ()) == []


def test_those_of_agents_at_work_stay_with_what_is_still_to_be_joined_to_them(tmp_path: Path) -> None:
    record(tmp_path, "a.1.cast", "a.1.cast.tail.1", "b.1.cast", "c.1.cast")
    assert let_go(tmp_path, 100, {"a.1.cast"}) == ["b.1.cast"]
    assert let_go(tmp_path, 0, {"a.1.cast"}) == [], "and the newest, which has just been made"
