"""Which repositories can be worked with, and where things of theirs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.model import BeadId
from orchestrator.repo.faults import RepositoryFault
from orchestrator.repo.repository import Person, open_repository, state_of, worktrees_folder
from tests.adapters.repo.conftest import ShellCommands, World, git, make_repository, open_run


def test_a_subfolder_leads_to_the_top_of_the_checkout(top: Path) -> None:
    found = open_repository(top / "src")
    assert found.checkout == top
    assert found.state == top / ".git" / "orchestrator"
    assert found.name == "Ünsere Sache"
    assert found.head == git(top, "rev-parse", "HEAD")


def test_a_linked_worktree_shares_the_state_of_the_main_one(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "theirs")
    found = open_repository(tmp_path / "linked")
    assert found.checkout == tmp_path / "linked"
    assert found.common_dir == top / ".git"
    assert worktrees_folder(found, None, None) == tmp_path / "Ünsere Sache-worktrees"


def test_a_bare_repository_has_no_checkout(top: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(top), "bare.git")
    found = open_repository(tmp_path / "bare.git")
    assert found.checkout is None
    assert found.state == tmp_path / "bare.git" / "orchestrator"
    assert found.name == "bare"
    assert worktrees_folder(found, None, None) == tmp_path / "bare-worktrees"


def test_a_detached_head_is_as_good_as_a_branch(top: Path) -> None:
    git(top, "checkout", "--quiet", "--detach")
    assert open_repository(top).head == git(top, "rev-parse", "HEAD")


def test_a_variable_left_by_a_hook_leads_nowhere(top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert open_repository(top).checkout == top


def test_the_state_alone_is_where_the_repository_says_it_is(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "theirs")
    git(tmp_path, "clone", "--quiet", "--bare", str(top), "bare.git")
    other = make_repository(tmp_path / "other")
    for common in (top / ".git", tmp_path / "bare.git", other / ".git"):
        (common / "orchestrator").mkdir()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    for path in (top, top / "src", tmp_path / "linked", tmp_path / "bare.git"):
        assert state_of(path) == open_repository(path).state
    assert state_of(top) == top / ".git" / "orchestrator"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "is not a folder"),
        (lambda path: path.mkdir(), "not in a git repository"),
        (lambda path: git(path.parent, "init", "--quiet", path.name), "has no commit yet"),
    ],
)
def test_what_is_no_repository_with_a_commit_is_said_so(tmp_path: Path, make: object, words: str) -> None:
    assert callable(make)
    make(tmp_path / "it")
    with pytest.raises(RepositoryFault, match=words):
        open_repository(tmp_path / "it")


def test_the_folder_git_itself_is_no_checkout(top: Path) -> None:
    with pytest.raises(RepositoryFault, match="inside git's own folder"):
        open_repository(top / ".git")


def test_without_git_on_the_path_that_is_what_is_missing(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(top))
    with pytest.raises(RepositoryFault, match="git is not installed"):
        open_repository(top)


def test_the_person_is_who_git_is_told_to_be(top: Path) -> None:
    assert open_repository(top).person == Person(name="orchestrator", mail="orchestrator@localhost")
    git(top, "config", "user.name", "Jördis")
    git(top, "config", "user.email", "j@example.org")
    assert open_repository(top).person == Person(name="Jördis", mail="j@example.org")


def test_an_unknown_base_names_branches_that_are_called_alike(tmp_path: Path, top: Path) -> None:
    with pytest.raises(RepositoryFault, match=r"no commit `thiers`.*did you mean theirs\?"):
        open_run(tmp_path, open_repository(top), ShellCommands(), base="thiers")
    assert "orchestrator" not in git(top, "for-each-ref")


def test_worktrees_go_where_they_are_asked_to(top: Path, tmp_path: Path) -> None:
    found = open_repository(top)
    assert worktrees_folder(found, tmp_path, tmp_path / "x" / ".." / "y") == tmp_path / "y"


def test_worktrees_go_into_the_workspace_that_has_a_place_for_them(top: Path, tmp_path: Path) -> None:
    found = open_repository(top)
    assert worktrees_folder(found, tmp_path, None) == tmp_path / "Ünsere Sache-worktrees"
    (tmp_path / "worktrees").mkdir()
    assert worktrees_folder(found, tmp_path, None) == tmp_path / "worktrees"


def test_a_workspace_that_is_the_checkout_itself_has_no_place_for_them(top: Path, tmp_path: Path) -> None:
    (top / "worktrees").mkdir()
    assert worktrees_folder(open_repository(top), top, None) == tmp_path / "Ünsere Sache-worktrees"


@pytest.mark.parametrize("inside", ["worktrees", ".git/worktrees-of-ours", "."])
def test_worktrees_inside_the_checkout_are_refused(top: Path, tmp_path: Path, inside: str) -> None:
    with pytest.raises(RepositoryFault, match="is inside"):
        open_run(tmp_path, open_repository(top), ShellCommands(), worktrees=top / inside)


def test_worktrees_inside_a_linked_checkout_of_the_person_are_refused(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "theirs")
    with pytest.raises(RepositoryFault, match="is inside"):
        open_run(tmp_path, open_repository(top), ShellCommands(), worktrees=tmp_path / "linked" / "w")


# ---------------------------------------------------------------- the target


def test_the_target_begins_at_the_persons_head(world: World) -> None:
    assert world.tip() == world.git("rev-parse", "HEAD")
    assert world.workspaces.landed({BeadId("one"): ""}) == {}


def test_the_target_begins_at_the_base_that_is_named(tmp_path: Path, top: Path) -> None:
    git(top, "commit", "--quiet", "--message", "Not on theirs")
    open_run(tmp_path, open_repository(top), ShellCommands(), base="theirs")
    assert git(top, "rev-parse", "orchestrator/night") == git(top, "rev-parse", "theirs")


def test_a_target_that_is_there_is_gone_on_with_from_its_tip(tmp_path: Path, top: Path) -> None:
    git(top, "branch", "orchestrator/night", "theirs")
    git(top, "commit", "--quiet", "--message", "The base has gone on")
    open_run(tmp_path, open_repository(top), ShellCommands())
    assert git(top, "rev-parse", "orchestrator/night") == git(top, "rev-parse", "theirs")


def test_a_target_that_is_checked_out_is_refused(tmp_path: Path, top: Path) -> None:
    with pytest.raises(RepositoryFault, match=r"`main` is checked out in .*Sache.*switch <another branch>"):
        open_run(tmp_path, open_repository(top), ShellCommands(), target="main")


def test_a_target_that_a_linked_worktree_has_checked_out_is_refused(tmp_path: Path, top: Path) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "theirs")
    with pytest.raises(RepositoryFault, match=r"`theirs` is checked out in .*linked"):
        open_run(tmp_path, open_repository(top), ShellCommands(), target="theirs")


@pytest.mark.parametrize("name", ["main/night", "a..b", "-x", "HEAD", "@{-1}"])
def test_a_target_that_cannot_be_made_is_refused(tmp_path: Path, top: Path, name: str) -> None:
    with pytest.raises(RepositoryFault, match="target: "):
        open_run(tmp_path, open_repository(top), ShellCommands(), target=name)


def test_what_landed_is_still_known_when_the_target_was_merged_into_the_base(world: World) -> None:
    landed = world.done("one", lambda path: (path / "new").write_text("1"))
    world.git("update-ref", "refs/heads/theirs", world.tip())
    assert world.again(base="theirs").workspaces.landed({BeadId("one"): ""}) == {"one": landed.commit}
    world.git("update-ref", "refs/heads/theirs", world.git("rev-parse", "main"))


def test_a_run_in_a_bare_repository_lands(tmp_path: Path, top: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(top), "bare.git")
    repository, commands = open_repository(tmp_path / "bare.git"), ShellCommands()
    run = open_run(tmp_path, repository, commands)
    bare = World(tmp=tmp_path, top=tmp_path / "bare.git", repository=repository, commands=commands, workspaces=run)
    commit = bare.work("one", lambda path: (path / "new").write_text("1"))
    bare.land("one", commit, "test -f new")
    bare.clear("one", landed=True)
    run.close()
    assert bare.content(bare.tip())["new"] == "1"
    assert not bare.folder.exists()


def test_a_run_from_a_linked_worktree_lands(tmp_path: Path, top: Path) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "theirs")
    repository, commands = open_repository(tmp_path / "linked"), ShellCommands()
    run = open_run(tmp_path, repository, commands)
    linked = World(tmp=tmp_path, top=tmp_path / "linked", repository=repository, commands=commands, workspaces=run)
    linked.done("one", lambda path: (path / "new").write_text("1"))
    assert linked.content(linked.tip())["new"] == "1"


def test_refs_that_are_not_stored_as_files_are_refused(top: Path) -> None:
    """What is registered of worktrees is read and handed on as files; said before anything is touched."""
    git(top, "config", "extensions.refStorage", "reftable")
    with pytest.raises(RepositoryFault):
        open_repository(top)
