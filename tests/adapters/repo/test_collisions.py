"""What of unfinished work does not merge: by real merges of real checkpoints, which leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import ENOMEM
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import collisions, merging
from orchestrator.repo.faults import GitRefused
from orchestrator.runtime.ports import Overlap, WorkspaceFault
from tests.adapters.repo.conftest import World

Deed = Callable[[Path], object]


def write(files: Mapping[str, str | bytes]) -> Deed:
    def does(path: Path) -> None:
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(text.encode() if isinstance(text, str) else text)

    return does


def line(number: int, text: str, name: str = "a.txt") -> Deed:
    def does(path: Path) -> None:
        lines = (path / name).read_text().splitlines()
        lines[number] = text
        (path / name).write_text("\n".join(lines) + "\n")

    return does


def both(*deeds: Deed) -> Deed:
    return lambda path: [deed(path) for deed in deeds]


class Scene:
    """Agents at work, each in a worktree of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.of: dict[Commit, str] = {}
        self.newest: dict[str, Commit] = {}
        self.paths: dict[str, Path] = {}

    def does(self, bead: str, deed: Deed) -> None:
        if bead not in self.paths:
            self.paths[bead] = self.world.prepare(bead)
        deed(self.paths[bead])
        commit = self.world.workspaces.checkpoint(BeadId(bead), 1)
        assert commit is not None
        self.newest.pop(bead, None)
        self.newest[bead] = commit
        self.of[commit] = bead

    def look(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """By whom, the later first, and with whom."""
        found = self.world.workspaces.collisions(list(reversed(self.newest.values()))).found
        return {(self.of[each.one], self._other(each)): each.paths for each in found}

    def _other(self, each: Overlap) -> str:
        return "target" if each.other == each.target else self.of[each.other]


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.fixture
def merges(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every merge that is made."""
    made: list[object] = []

    def merge(*asked: object) -> object:
        made.append(asked[2:])
        return merging.merge(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(collisions, "merge", merge)
    return made


def test_two_that_change_the_same_line_collide(scene: Scene) -> None:
    scene.does("one", line(3, "by one"))
    scene.does("two", line(3, "by two"))
    assert scene.look() == {("two", "one"): ("a.txt",)}


def test_it_is_told_once_until_one_of_them_goes_on(scene: Scene, merges: list[object]) -> None:
    scene.does("one", line(3, "by one"))
    scene.does("two", line(3, "by two"))
    assert scene.look()
    assert not scene.look()
    assert len(merges) == 1
    scene.does("one", line(3, "by one, again"))
    assert scene.look() == {("one", "two"): ("a.txt",)}


def test_what_git_merges_by_itself_is_no_collision(scene: Scene, merges: list[object]) -> None:
    """One file, far apart; and the very same change."""
    scene.does("one", both(line(0, "by one"), line(5, "the same", "b.txt")))
    scene.does("two", both(line(9, "by two"), line(5, "the same", "b.txt")))
    assert not scene.look()
    assert len(merges) == 1


def test_who_shares_no_file_is_not_merged_at_all(scene: Scene, merges: list[object]) -> None:
    scene.does("one", line(3, "by one"))
    scene.does("two", line(3, "by two", "b.txt"))
    scene.does("three", write({"new": "n"}))
    assert not scene.look()
    assert not merges


def test_a_file_that_one_renamed_and_the_other_changed(scene: Scene) -> None:
    """Git brings the change along where the content is like; renamed to two names, it does not."""
    scene.does("one", lambda path: (path / "a.txt").rename(path / "moved.txt"))
    scene.does("two", line(3, "by two"))
    assert not scene.look()
    scene.does("three", lambda path: (path / "a.txt").rename(path / "elsewhere.txt"))
    assert scene.look() == {("three", "one"): ("a.txt", "elsewhere.txt", "moved.txt")}


def test_a_file_that_one_deleted_and_the_other_changed(scene: Scene) -> None:
    scene.does("one", lambda path: (path / "b.txt").unlink())
    scene.does("two", line(3, "by two", "b.txt"))
    assert scene.look() == {("two", "one"): ("b.txt",)}


def test_two_that_add_a_binary_file_under_a_name_with_an_umlaut(scene: Scene) -> None:
    scene.does("one", write({"bilder/grün und groß.png": b"\x89PNG\0one"}))
    scene.does("two", write({"bilder/grün und groß.png": b"\x89PNG\0two"}))
    assert scene.look() == {("two", "one"): ("bilder/grün und groß.png",)}


def test_one_collides_with_what_has_landed_since_it_began(scene: Scene) -> None:
    scene.does("one", line(3, "by one"))
    assert not scene.look()
    scene.world.done("two", line(3, "by two"))
    assert scene.look() == {("one", "target"): ("a.txt",)}
    assert not scene.look()


def test_what_it_has_merged_itself_does_not_collide_any_more(scene: Scene, as_agent: Callable[..., str]) -> None:
    scene.does("one", line(3, "by one"))
    scene.world.done("two", line(3, "by two"))
    assert scene.look()
    path = scene.paths["one"]
    as_agent(path, "commit", "--all", "--message", "so far")
    as_agent(path, "merge", "-X", "ours", "--no-edit", scene.world.target)
    scene.does("one", write({"new": "n"}))
    assert not scene.look()


def test_who_is_in_the_middle_of_a_merge_with_the_target_does_not_collide_with_it(
    scene: Scene, as_agent: Callable[..., str]
) -> None:
    """Resolved or not: what it has of the target is not its own change, and git will know once it is committed."""
    scene.does("one", line(3, "by one"))
    world = scene.world
    world.save("one")
    world.done("two", line(3, "by two"))
    world.prepare("one", 2, keep=True, merge=True)
    scene.does("one", write({"new": "n"}))
    assert not scene.look()
    scene.does("one", write({"a.txt": "by both\n"}))
    assert not scene.look()
    as_agent(scene.paths["one"], "commit", "--all", "--no-edit")
    scene.does("one", write({"new": "newer"}))
    assert not scene.look()
    world.done("three", line(0, "by three"))
    assert scene.look() == {("one", "target"): ("a.txt",)}


def test_two_that_began_at_different_tips_are_told_of_their_own_work_alone(scene: Scene) -> None:
    """Three has in its base what one does not merge with: that is one's matter with the target, and not with three."""
    scene.does("one", both(line(3, "by one"), line(3, "by one", "b.txt")))
    scene.world.done("two", line(3, "by two"))
    scene.does("three", both(line(9, "by three"), line(9, "by three", "b.txt")))
    assert scene.look() == {("one", "target"): ("a.txt",)}
    scene.does("three", line(3, "by three", "b.txt"))
    assert scene.look() == {("three", "one"): ("b.txt",)}


def test_so_many_at_a_time_and_the_rest_is_not_forgotten(
    scene: Scene, merges: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collisions, "MOST", 2)
    for bead in ("one", "two", "three", "four"):
        scene.does(bead, line(3, f"by {bead}"))
    newest = list(reversed(scene.newest.values()))
    looks = []
    while (look := scene.world.workspaces.collisions(newest)).more:
        looks.append(len(look.found))
    assert [*looks, len(look.found)] == [2, 2, 2]
    assert len(merges) == 6
    assert not scene.look()


def test_what_git_refuses_to_merge_keeps_nothing_else_from_being_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it tried again and again; nor is lost what was seen before something else failed."""
    for bead in ("one", "two", "three"):
        scene.does(bead, line(3, f"by {bead}"))
    newest = list(reversed(scene.newest.values()))
    tried: list[object] = []

    def merge(*asked: Any) -> object:
        tried.append(asked[2:])
        if len(tried) == 2:
            raise GitRefused(("merge-tree",), 128, "unable to read tree")
        if len(tried) == 3:
            raise OSError(ENOMEM, "no memory")
        return merging.merge(*asked)

    monkeypatch.setattr(collisions, "merge", merge)
    with pytest.raises(WorkspaceFault, match="no memory"):
        scene.world.workspaces.collisions(newest)
    assert scene.look() == {("three", "two"): ("a.txt",), ("two", "one"): ("a.txt",)}
    assert not scene.look()
    assert len(tried) == 4


def test_nothing_of_it_stays_in_the_repository(scene: Scene) -> None:
    """Neither objects, nor the folder that they were in, nor processes; nor a ref that moved."""
    scene.does("one", line(3, "by one"))
    scene.does("two", line(3, "by two"))
    world, refs = scene.world, scene.world.refs()
    before = world.git("count-objects", "-v")
    files = sorted(world.repository.state.rglob("*"))
    assert scene.look()
    assert world.git("count-objects", "-v") == before
    assert sorted(world.repository.state.rglob("*")) == files
    assert world.refs() == refs


def test_what_was_put_back_is_committed_so_that_the_target_can_be_merged_into_it(scene: Scene) -> None:
    """Its files were changed and not committed: git would not have begun the merge."""
    scene.does("one", both(line(3, "by one"), write({"new": "n"})))
    world = scene.world
    world.save("one")
    world.done("two", line(3, "by two"))
    path = world.prepare("one", 2, keep=True, merge=True)
    assert "<<<<<<<" in (path / "a.txt").read_text()
    assert (path / "new").read_text() == "n"
    (path / "a.txt").write_text("by both\n")
    work = world.collect("one", 2)
    assert work.files == ("a.txt", "new")
    world.land("one", work.commit, number=2)
    assert world.content(world.target)["a.txt"] == "by both"


def test_a_rebase_that_was_not_concluded_is_gone_on_with(scene: Scene, as_agent: Callable[..., str]) -> None:
    """Git begins no merge in the middle of it, and whoever was put back then starts all the same."""
    scene.does("one", line(3, "by one"))
    world, path = scene.world, scene.paths["one"]
    world.done("two", line(3, "by two"))
    as_agent(path, "commit", "--all", "--message", "so far")
    as_agent(path, "rebase", world.target, codes=(1,))
    world.save("one")
    assert world.prepare("one", 2, keep=True, merge=True) == path
    assert "rebase in progress" in as_agent(path, "status")
    assert "<<<<<<<" in (path / "a.txt").read_text()
