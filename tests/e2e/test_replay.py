"""A small history once more, all of its commits at once: what locks keep apart."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.replay_history import replay


def history(folder: Path) -> Path:
    """Twelve commits that change three files in turn, and add one each."""
    repo = folder / "origin"
    repo.mkdir()

    def git(*argv: str) -> None:
        subprocess.run(("git", "-c", "user.name=Ann", "-c", "user.email=a@localhost", *argv), cwd=repo, check=True)

    git("init", "--quiet", "--initial-branch", "main")
    for file in range(3):
        (repo / f"f{file}.txt").write_text("".join(f"line {n}\n" for n in range(40)))
    git("add", "--all")
    git("commit", "--quiet", "--message", "Begin")
    for place in range(12):
        changed = repo / f"f{place % 3}.txt"
        lines = changed.read_text().splitlines()
        lines[place] = f"changed by {place}"
        changed.write_text("\n".join([*lines, f"added by {place}"]) + "\n")
        (repo / f"new [{place}].txt").write_text(f"{place}\n")
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Change line {place} of f{place % 3}.txt")
    return repo


def test_with_locks_on_its_files_a_history_lands_without_a_conflict(tmp_path: Path) -> None:
    """No needs are given, and the target ends with the very tree of the newest commit."""
    told = replay(history(tmp_path), 12, "files", workers=4, think_s=0.1, folder=tmp_path / "night")
    assert (told.landed, told.conflicts, told.met, told.whole) == (12, 0, 0, True)


def test_predictions_alone_keep_apart_what_messages_name(tmp_path: Path) -> None:
    """No bead says what it touches; each prompt is its commit's message, which names the file that it changes."""
    told = replay(history(tmp_path), 12, "predicted", workers=4, think_s=0.1, folder=tmp_path / "night")
    assert (told.landed, told.conflicts, told.met, told.whole) == (12, 0, 0, True)
    assert told.recall is not None
    assert told.recall >= 0.5
