"""A death while a file is written leaves what was there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.repo.whole import put


def test_it_takes_the_place_of_what_is_there_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "ünï.txt"
    put(file, "first")
    file.chmod(0o751)
    put(file, b"\xff second")
    assert file.read_bytes() == b"\xff second"
    assert file.stat().st_mode & 0o777 == 0o751
    assert list(tmp_path.iterdir()) == [file]


def test_a_death_in_between_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "locked"
    put(file, "first")

    def dies(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            put(file, "second")
    assert file.read_text() == "first"
    put(file, "third")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["third"]


def test_what_is_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    """It may lie in a folder to which an agent can write."""
    theirs, file = tmp_path / "theirs", tmp_path / "locked"
    theirs.write_text("theirs")
    file.with_name("locked.orchestrator").symlink_to(theirs)
    put(file, "ours")
    assert (theirs.read_text(), file.read_text(), file.is_symlink()) == ("theirs", "ours", False)
    os.mkfifo(file.with_name("locked.orchestrator"))  # waits for a reader
    put(file, "again")
    assert file.read_text() == "again"
