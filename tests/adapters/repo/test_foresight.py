"""Predictions from a real repository: its tree, its symbols, and its history, read once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.core.messages import Ask, Foresee
from orchestrator.core.model import BeadId
from orchestrator.repo.foresight import HISTORY, GitForesight
from orchestrator.repo.repository import Repository, open_repository
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import git


def commit(top: Path, message: str, **files: str) -> None:
    for name, text in files.items():
        path = top / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", message)


@pytest.fixture
def repository(top: Path) -> Repository:
    commit(top, "Begin", src__queue_dot_py="class ReadyQueue:\n    pass\n", src__loop_dot_py="x = ReadyQueue()\n")
    for turn in range(3):
        commit(top, f"Speed up the scheduler {turn}", src__queue_dot_py=f"class ReadyQueue:\n    n = {turn}\n",
               tests__test_queue_dot_py=f"assert {turn} == {turn}\n")  # fmt: skip
    made = open_repository(top)
    made.state.mkdir()
    return made


def foresee(repository: Repository, text: str, target: str = "main") -> dict[str, float]:
    order = Foresee(round=1, asks=(Ask(bead=BeadId("a"), text=text),))
    found = dict(GitForesight(repository, target, None).foresee(order))
    return {guess.path: guess.confidence for guess in found.get(BeadId("a"), ())}


def test_a_symbol_leads_to_its_file_and_to_what_changes_with_that(repository: Repository) -> None:
    """Who defines it comes first; its test, which nobody named, is known from history."""
    found = foresee(repository, "Let `ReadyQueue` forget nobody")
    assert next(iter(found)) == "src/queue.py"
    assert found["tests/test_queue.py"] > 0.4
    assert 0.2 < found["src/loop.py"] < found["src/queue.py"]


def test_like_words_lead_to_what_they_changed(repository: Repository) -> None:
    """No path and no symbol."""
    assert "src/queue.py" in foresee(repository, "The scheduler is slow, speed it up")


def test_history_is_read_once_and_then_only_what_came(repository: Repository, top: Path) -> None:
    """Of another line of commits nothing that was kept counts."""
    foresee(repository, "x")
    kept = repository.state / HISTORY
    told = json.loads(kept.read_text())
    assert told["commit"] == git(top, "rev-parse", "HEAD")
    told["changes"] = [["secret plan", ["src/loop.py"]]]
    kept.write_text(json.dumps(told))
    assert "src/loop.py" in foresee(repository, "The secret plan")
    commit(top, "Explain", docs__guide_dot_md="words\n")
    assert "src/loop.py" in foresee(repository, "The secret plan")
    assert [files for _, files in json.loads(kept.read_text())["changes"]] == [["docs/guide.md"], ["src/loop.py"]]
    git(top, "checkout", "--quiet", "--orphan", "other")
    git(top, "commit", "--quiet", "--message", "Another line")
    assert "src/loop.py" not in foresee(repository, "The secret plan", target="other")


@pytest.mark.parametrize("text", ["", "{", '{"form": 0}', '{"form": 2, "changes": 3, "commit": "x"}', "[]"])
def test_a_damaged_memory_is_no_memory(repository: Repository, text: str) -> None:
    """It is read anew, and written over."""
    (repository.state / HISTORY).write_text(text)
    assert "src/queue.py" in foresee(repository, "Speed up the scheduler")
    assert json.loads((repository.state / HISTORY).read_text())["changes"]


def test_names_that_are_no_text_are_nobodys_guess(repository: Repository, top: Path) -> None:
    """They are there, and do no harm."""
    (top / b"caf\xe9.txt".decode("utf-8", "surrogateescape")).write_text("x")
    commit(top, "Coffee")
    assert foresee(repository, "Coffee, and src/queue.py")["src/queue.py"] > 0.9


def test_a_repository_that_cannot_be_read_is_a_fault_of_the_workspace(repository: Repository) -> None:
    """Which the core hears of, and starts beads without it."""
    (repository.common_dir / "HEAD").unlink()
    with pytest.raises(WorkspaceFault):
        foresee(repository, "x", target="gone")
