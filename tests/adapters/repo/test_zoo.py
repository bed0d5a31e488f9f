"""Every way in which two changes can clash, with real git: none merges silently, and no side is chosen.

And the other way round: of changes that do merge, the result holds both, and no line that either has removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.core.model import Commit
from orchestrator.repo.merging import Clashes, merge
from orchestrator.repo.plumbing import Git, Place
from tests.adapters.repo.conftest import Agent, git

LINES = [f"line {number}" for number in range(30)]


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """A checkout with a file of every kind."""
    top = tmp_path / "zoo"
    top.mkdir()
    git(top, "init", "--quiet")
    for name in ("a.txt", "b.txt", "src/c.txt", "src/d.txt"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("".join(f"{name} {line}\n" for line in LINES))
    (top / "picture.bin").write_bytes(bytes(range(256)) * 4)
    (top / "link").symlink_to("a.txt")
    (top / "windows.txt").write_bytes("".join(f"{line}\r\n" for line in LINES).encode())
    gitlink("1")(top)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "Base")
    return top


def gitlink(digit: str, name: str = "library") -> Agent:
    """A submodule at some commit, as it stands in the tree; its own repository is nowhere to be had."""

    def agent(top: Path) -> None:
        git(top, "update-index", "--add", "--cacheinfo", f"160000,{digit * 40},{name}")
        (top / name).mkdir(exist_ok=True)

    return agent


def write(name: str, text: str) -> Agent:
    def agent(top: Path) -> None:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(text.encode())

    return agent


def line(name: str, number: int, text: str | None) -> Agent:
    """Change one line, or take it away."""

    def agent(top: Path) -> None:
        lines = (top / name).read_bytes().split(b"\n")
        lines[number : number + 1] = [text.encode()] if text is not None else []
        (top / name).write_bytes(b"\n".join(lines))

    return agent


def rename(old: str, new: str) -> Agent:
    return lambda top: git(top, "mv", old, new)


def delete(name: str) -> Agent:
    return lambda top: git(top, "rm", "-r", "--quiet", "--cached" if name == "library" else "--force", name)


def link(name: str, to: str) -> Agent:
    def agent(top: Path) -> None:
        (top / name).unlink(missing_ok=True)
        (top / name).symlink_to(to)

    return agent


def binary(byte: int, name: str = "picture.bin") -> Agent:
    return lambda top: (top / name).write_bytes(bytes([0, byte]) * 500)


def mode(name: str) -> Agent:
    return lambda top: (top / name).chmod(0o755)


def crlf(name: str) -> Agent:
    return lambda top: (top / name).write_bytes((top / name).read_bytes().replace(b"\n", b"\r\n"))


def both(*agents: Agent) -> Agent:
    return lambda top: [agent(top) for agent in agents]


def folder_for(name: str) -> Agent:
    def agent(top: Path) -> None:
        git(top, "rm", "--quiet", "--cached", "-r", name)
        shutil.rmtree(top / name) if (top / name).is_dir() else (top / name).unlink()
        (top / name).mkdir()
        (top / name / "inner").write_text("inner\n")

    return agent


CLASHES: dict[str, tuple[Agent, Agent, str]] = {
    "content": (line("a.txt", 3, "mine"), line("a.txt", 3, "theirs"), "content"),
    "content beside a removed line": (line("a.txt", 3, None), line("a.txt", 3, "theirs"), "content"),
    "add/add": (write("x", "1\n"), write("x", "2\n"), "add/add"),
    "modify/delete": (line("a.txt", 3, "mine"), delete("a.txt"), "modify/delete"),
    "mode/delete": (mode("a.txt"), delete("a.txt"), "modify/delete"),
    "modify/delete of a folder": (line("src/c.txt", 3, "mine"), delete("src"), "modify/delete"),
    "rename/rename": (rename("a.txt", "x"), rename("a.txt", "y"), "rename/rename"),
    "rename/rename into one": (rename("a.txt", "x"), rename("b.txt", "x"), "add/add|rename/rename|content"),
    "rename/delete": (rename("a.txt", "x"), delete("a.txt"), "rename/delete"),
    "rename/add": (rename("a.txt", "x"), write("x", "theirs\n"), "add/add|content|rename"),
    "rename with content": (
        both(rename("a.txt", "x"), line("x", 3, "mine")), line("a.txt", 3, "theirs"), "content"),
    "rename beyond recognition": (
        both(delete("a.txt"), write("x", "all anew\n")), line("a.txt", 3, "theirs"), "modify/delete"),
    "rename of a folder beside a new file": (rename("src", "lib"), write("src/new", "1\n"), "file location"),
    "case alone, both": (rename("a.txt", "A.txt"), rename("a.txt", "a.TXT"), "rename/rename"),
    "case alone, deleted": (rename("a.txt", "A.txt"), delete("a.txt"), "rename/delete"),
    "mode and content": (
        both(mode("a.txt"), line("a.txt", 3, "mine")), line("a.txt", 3, "theirs"), "content"),
    "mode of a new file": (both(write("x", "1\n"), mode("x")), write("x", "1\n"), "add/add|mode"),
    "symlink": (link("link", "b.txt"), link("link", "src"), "content"),
    "symlink, deleted": (link("link", "b.txt"), delete("link"), "modify/delete"),
    "symlink, added twice": (link("x", "a.txt"), link("x", "b.txt"), "add/add|content"),
    "symlink for a file": (link("a.txt", "b.txt"), line("a.txt", 3, "theirs"), "distinct types|content"),
    "file for a symlink": (
        both(delete("link"), write("link", "now a file\n")), link("link", "b.txt"), "distinct types|content"),
    "submodule": (gitlink("2"), gitlink("3"), "submodule"),
    "submodule, deleted": (gitlink("2"), delete("library"), "modify/delete"),
    "submodule, added twice": (gitlink("2", "other"), gitlink("3", "other"), "submodule|add/add"),
    "submodule for a file": (gitlink("2", "x"), write("x", "1\n"), "distinct types|add/add"),
    "folder for a submodule": (folder_for("library"), gitlink("2"), "modify/delete|file/directory|distinct"),
    "binary": (binary(1), binary(2), "binary|content"),
    "binary, added twice": (binary(1, "x"), binary(2, "x"), "binary|add/add"),
    "binary, deleted": (binary(1), delete("picture.bin"), "modify/delete"),
    "file or folder": (write("x", "1\n"), write("x/inner", "1\n"), "file/directory"),
    "folder for a file": (folder_for("a.txt"), line("a.txt", 3, "theirs"), "modify/delete|file/directory"),
    "line endings": (crlf("a.txt"), line("a.txt", 3, "theirs"), "content"),
    "line endings of Windows": (line("windows.txt", 3, "mine\r"), line("windows.txt", 3, "mine"), "content"),
}  # fmt: skip


def made(top: Path, name: str, agent: Agent) -> Commit:
    git(top, "checkout", "--quiet", "-B", name, "main")
    agent(top)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", name, "--allow-empty")
    return Commit(git(top, "rev-parse", "HEAD"))


def place_of(top: Path) -> Place:
    return Place(git_dir=top / ".git")


@pytest.mark.parametrize("kind", CLASHES)
def test_what_clashes_does_not_merge_whichever_comes_first(zoo: Path, kind: str) -> None:
    mine, theirs, words = CLASHES[kind]
    one, other = made(zoo, "mine", mine), made(zoo, "theirs", theirs)
    for pair in ((one, other), (other, one)):
        found = merge(Git(), place_of(zoo), *pair)
        assert isinstance(found, Clashes), git(zoo, "diff", *pair)
        said = " ".join(f"{clash.kind} {clash.said}" for clash in found.clashes)
        assert any(word in said for word in words.split("|")), said
        assert found.paths


def by_setting(name: str, value: str) -> Agent:
    return lambda top: git(top, "config", name, value)


def by_attributes(text: str, driver: str = "") -> Agent:
    def agent(top: Path) -> None:
        (top / ".git" / "info" / "attributes").write_text(text)
        if driver:
            git(top, "config", "merge.mine.driver", driver)

    return agent


TEMPTATIONS: dict[str, tuple[Agent, str]] = {
    "directories are renamed silently": (
        by_setting("merge.directoryRenames", "true"), "rename of a folder beside a new file"),
    "no renames": (by_setting("merge.renames", "false"), "rename with content"),
    "no renames, by diff": (by_setting("diff.renames", "false"), "rename/delete"),
    "few renames": (by_setting("merge.renameLimit", "1"), "rename/rename"),
    "line endings are made alike": (by_setting("merge.renormalize", "true"), "line endings"),
    "line endings are made alike, by attributes": (
        both(by_setting("merge.renormalize", "true"), by_attributes("*.txt text=auto")), "line endings"),
    "union": (by_attributes("* merge=union"), "content"),
    "ours": (by_attributes("* merge=mine", "true"), "content"),
    "a favourite": (by_setting("merge.default", "union"), "content"),
    "binary": (by_attributes("* binary"), "content"),
}  # fmt: skip


@pytest.mark.parametrize("temptation", TEMPTATIONS)
def test_no_setting_of_a_person_chooses_a_side(zoo: Path, temptation: str) -> None:
    setting, kind = TEMPTATIONS[temptation]
    mine, theirs, _ = CLASHES[kind]
    one, other = made(zoo, "mine", mine), made(zoo, "theirs", theirs)
    setting(zoo)
    for pair in ((one, other), (other, one)):
        assert isinstance(merge(Git(), place_of(zoo), *pair), Clashes)


def content(top: Path, tree: str) -> dict[str, str]:
    rows = git(top, "ls-tree", "-r", "-z", tree).split("\0")
    found = {}
    for row in filter(None, rows):
        about, _, name = row.partition("\t")
        kind, what, blob = about.split(" ")
        found[name] = blob if what == "commit" else f"{kind} {git(top, 'cat-file', 'blob', blob)}"
    return found


MEETINGS: dict[str, tuple[Agent, Agent, Sequence[tuple[str, str]], Sequence[tuple[str, str]]]] = {
    "a removed line and a change elsewhere": (
        line("a.txt", 3, None), line("a.txt", 20, "theirs"), [("a.txt", "theirs")], [("a.txt", "a.txt line 3\n")]),
    "a removed line in a file that was renamed": (
        line("a.txt", 3, None), rename("a.txt", "x"), [("x", "line 4")], [("x", "a.txt line 3\n"), ("a.txt", "")]),
    "a removed file beside a change of another": (
        delete("a.txt"), line("b.txt", 3, "theirs"), [("b.txt", "theirs")], [("a.txt", "")]),
    "the same file removed twice": (delete("a.txt"), delete("a.txt"), [], [("a.txt", "")]),
    "the same line removed twice": (
        line("a.txt", 3, None), line("a.txt", 3, None), [("a.txt", "line 4")], [("a.txt", "a.txt line 3\n")]),
    "a mode and a change": (
        mode("a.txt"), line("a.txt", 3, "theirs"), [("a.txt", "100755"), ("a.txt", "theirs")], [("a.txt", "line 3\n")]),
    "a rename to another case and a change": (
        rename("a.txt", "A.txt"), line("a.txt", 3, "theirs"), [("A.txt", "theirs")], [("a.txt", "")]),
    "a submodule moved beside a change": (
        gitlink("2"), line("a.txt", 3, "theirs"), [("library", "2" * 40), ("a.txt", "theirs")], []),
    "line endings of one file, a change in another": (
        crlf("a.txt"), line("b.txt", 3, "theirs"), [("a.txt", "line 3\r\n"), ("b.txt", "theirs")], []),
    "a folder removed beside a file that was moved out of it": (
        both(rename("src/c.txt", "c.txt"), delete("src")), line("src/c.txt", 3, None),
        [("c.txt", "line 4")], [("src/c.txt", ""), ("src/d.txt", ""), ("c.txt", "src/c.txt line 3\n")]),
    "a file removed and made anew by the same hand": (
        both(delete("a.txt"), write("a.txt", "anew\n")), line("b.txt", 3, "theirs"),
        [("a.txt", "anew")], [("a.txt", "line 3")]),
}  # fmt: skip


@pytest.mark.parametrize("kind", MEETINGS)
def test_what_merges_holds_both_and_nothing_that_either_removed(zoo: Path, kind: str) -> None:
    mine, theirs, there, gone = MEETINGS[kind]
    one, other = made(zoo, "mine", mine), made(zoo, "theirs", theirs)
    trees = {merge(Git(), place_of(zoo), *pair) for pair in ((one, other), (other, one))}
    (tree,) = trees
    assert isinstance(tree, str)
    found = content(zoo, tree)
    assert all(text in found[name] for name, text in there), found
    assert not any(name in found and text in found[name] for name, text in gone), found


@pytest.mark.parametrize("attribute", ["merge=union", "merge=mine", "merge=text", "-merge text=auto"])
def test_an_attribute_does_not_keep_apart_what_merges(zoo: Path, attribute: str) -> None:
    one = made(zoo, "mine", line("a.txt", 3, "mine"))
    other = made(zoo, "theirs", line("a.txt", 20, None))
    by_attributes(f"a.txt {attribute}", "true")(zoo)
    found = merge(Git(), place_of(zoo), one, other)
    if "-merge" in attribute:
        assert isinstance(found, Clashes)  # the person says that no program may merge it
    else:
        assert isinstance(found, str)
        text = content(zoo, found)["a.txt"]
        assert "mine" in text
        assert "a.txt line 20\n" not in text
