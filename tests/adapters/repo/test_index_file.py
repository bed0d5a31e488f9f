"""What an index says of itself is what git says of it, or else cautious."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.repo.index_file import may_hide, may_link
from tests.adapters.repo.conftest import git

DEEP = "/".join(["d" * 200] * 21)
"""A path that is too long for its length to stand in an entry's flags."""


@pytest.fixture
def index(top: Path) -> Path:
    return top / ".git" / "index"


def test_an_index_of_files_alone_hides_nothing_and_links_nothing(top: Path, index: Path) -> None:
    for length in range(1, 10):  # entries are padded
        (top / ("x" * length)).write_text("x")
    git(top, "add", ".")
    blob = git(top, "hash-object", "-w", "a.txt")
    for name in (DEEP, "z"):  # and one after it
        git(top, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    assert not may_hide(index)
    assert not may_link(index)


@pytest.mark.parametrize("file", ["a.txt", "src/c.txt", DEEP])
@pytest.mark.parametrize("how", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_is_found(top: Path, index: Path, file: str, how: str) -> None:
    blob = git(top, "hash-object", "-w", "a.txt")
    git(top, "update-index", "--add", "--cacheinfo", f"100644,{blob},{DEEP}")
    assert not may_hide(index)
    git(top, "update-index", how, file)
    assert may_hide(index)
    git(top, "update-index", how.replace("--", "--no-"), file)
    assert not may_hide(index)


def test_of_what_it_does_not_know_the_answer_is_cautious(top: Path, index: Path) -> None:
    whole = index.read_bytes()
    for damaged in (whole[:5], whole[:-1], whole[:70] + b"x" + whole[71:], whole[:-20] + bytes(20), b""):
        index.write_bytes(damaged)
        assert may_hide(index)
    index.unlink()
    assert may_hide(index)
    index.write_bytes(whole)
    git(top, "update-index", "--index-version", "4")
    assert may_hide(index)


def test_of_an_index_with_longer_names_of_objects_the_answer_is_cautious(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "longer")
    (tmp_path / "longer" / "file").write_text("1")
    git(tmp_path / "longer", "add", ".")
    assert may_hide(tmp_path / "longer" / ".git" / "index")


def test_a_link_to_a_commit_is_found(top: Path, index: Path) -> None:
    git(top, "update-index", "--add", "--cacheinfo", f"160000,{git(top, 'rev-parse', 'HEAD')},lib")
    assert may_link(index)


def test_what_is_in_another_file_may_be_a_link(top: Path, index: Path) -> None:
    git(top, "update-index", "--add", "--cacheinfo", f"160000,{git(top, 'rev-parse', 'HEAD')},lib")
    git(top, "update-index", "--split-index")
    assert may_link(index)
