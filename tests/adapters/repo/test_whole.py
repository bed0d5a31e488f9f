"""A death while a file is written leaves what was there."""

from __future__ import annotations

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
