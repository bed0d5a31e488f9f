"""A repository of a person, a run in it, and agents that are a few lines of Python. Real git, no network, no HOME."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from msgspec import structs

from orchestrator.core.messages import Advance, Check, Clear, Collect, Compose, OpenSession, Save, Stop, Verify
from orchestrator.core.model import BeadId, Commit, RouteName, Style, Token, Tree, WorkerId
from orchestrator.repo.fingerprint import fingerprint
from orchestrator.repo.repository import Repository, open_repository
from orchestrator.repo.workspaces import GitWorkspaces
from orchestrator.runtime.person import Fingerprint
from orchestrator.runtime.ports import CommandResult, Composition, Conflict, Empty, Work
from orchestrator.runtime.ports import LandedAt as Found


@pytest.fixture(autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No identity, no configuration of the machine, nothing of a git that may run us."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(cwd: Path, *argv: str, who: str = "Person", codes: Sequence[int] = (0,)) -> str:
    """As a person or an agent runs it; what it printed, without the last newline."""
    identity = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _names(who)}
    setting = ("-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *setting, *argv], cwd=cwd, env={**os.environ, **identity}, capture_output=True, check=False
    )
    assert done.returncode in codes, (argv, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def _names(who: str) -> Sequence[tuple[str, str]]:
    return (("NAME", who), ("EMAIL", f"{who.lower()}@example.org"))


@dataclass(frozen=True)
class LandedAt:
    """What a whole landing came to: its commit is on the target, by this one, or (`found`) by one before it."""

    commit: Commit
    tree: Tree
    found: bool = False


@dataclass(frozen=True)
class Red:
    """The checks failed on the merged tree."""

    command: str
    output: str


@dataclass
class ShellCommands:
    """The port `Commands`, with the least that it promises."""

    ran: list[str] = field(default_factory=list)
    envs: list[Mapping[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    closed: bool = False

    def end(self, name: str) -> None:
        self.ended.append(name)

    def run(
        self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, name: str = ""
    ) -> CommandResult:
        if self.closed:
            return CommandResult(code=-15, output="", cancelled=True)
        self.ran.append(command)
        self.envs.append(env)
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=cwd,
                env={**os.environ, **env},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return CommandResult(code=-9, output="", timed_out=True)
        log.write_text(done.stdout)
        return CommandResult(code=done.returncode, output=done.stdout[-8000:])

    def close(self) -> None:
        self.closed = True


Agent = Callable[[Path], object]


@dataclass
class World:
    """One run in one repository, and short words for what happens in it."""

    tmp: Path
    top: Path
    repository: Repository
    commands: ShellCommands
    workspaces: GitWorkspaces
    target: str = "orchestrator/night"
    opened: list[GitWorkspaces] = field(default_factory=list)
    """Every one that there was: their gits are ended with the test."""

    @property
    def folder(self) -> Path:
        return self.tmp / "trees" / "night"

    def git(self, *argv: str, codes: Sequence[int] = (0,)) -> str:
        """In the person's checkout."""
        return git(self.top, *argv, codes=codes)

    def prepare(self, bead: str, number: int = 1, *, keep: bool = False, merge: bool = False) -> Path:
        order = self.order(bead, number, keep=keep, merge=merge)
        path = self.workspaces.prepare(order)
        assert self.workspaces.furnish(order).worktree == path
        return path

    def order(self, bead: str, number: int = 1, *, keep: bool = False, merge: bool = False) -> OpenSession:
        return OpenSession(
            token=Token(number),
            bead=BeadId(bead),
            number=number,
            worker=WorkerId("w1"),
            route=RouteName("mine:big"),
            prompt="",
            resume=None,
            keep=keep,
            silence_s=1,
            grace_s=1,
            linger_s=1,
            merge=merge,
        )

    def touched(self, bead: str) -> tuple[str, ...]:
        return self.workspaces.touched(self.order(bead))

    def save(self, bead: str, number: int = 1) -> Commit | None:
        return self.workspaces.save(Save(token=Token(number), bead=BeadId(bead), number=number))

    def collect(self, bead: str, number: int = 1, title: str = "") -> Work:
        order = Collect(token=Token(number), bead=BeadId(bead), number=number, title=title or f"Do {bead}")
        return self.workspaces.collect(order)

    def check(self, bead: str, *commands: str) -> object:
        order = Check(
            token=Token(1),
            bead=BeadId(bead),
            number=1,
            worker=WorkerId("w1"),
            tree=None,
            commands=commands,
            timeout_s=5,
        )
        return self.workspaces.check(order)

    def land(
        self,
        bead: str,
        commit: Commit | None,
        *commands: str,
        number: int = 1,
        title: str = "",
        task: str = "",
        style: Style = Style.SQUASH,
        message: str = "",
    ) -> LandedAt | Conflict | Red | Empty:
        """All the way, again from the start where the target has moved meanwhile."""
        while True:
            made = self.compose(bead, commit, number=number, title=title, task=task, style=style, message=message)
            if isinstance(made, Found):
                return LandedAt(made.commit, made.tree, found=True)
            if not isinstance(made, Composition):
                return made
            checked = self.workspaces.verify(self.verifying(bead, made, *commands, number=number))
            if not checked.passed:
                return Red(checked.command, checked.output)
            if self.advance(bead, made, number=number, task=task):
                return LandedAt(made.commit, made.tree)

    def advance(self, bead: str, made: object, *, number: int = 1, task: str = "") -> bool:
        assert isinstance(made, Composition)
        stop = Stop(bead=BeadId(bead), number=number, task=task, commit=made.commit, onto=made.onto)
        order = Advance(token=Token(number), old=made.onto, new=made.commit, stops=(stop,))
        return self.workspaces.advance(order)

    def compose(
        self,
        bead: str,
        commit: Commit | None,
        *,
        onto: Composition | None = None,
        number: int = 1,
        title: str = "",
        task: str = "",
        style: Style = Style.SQUASH,
        message: str = "",
    ) -> Composition | Found | Conflict | Empty:
        assert commit is not None
        order = Compose(
            token=Token(number),
            bead=BeadId(bead),
            number=number,
            route=RouteName("mine:big"),
            title=title or f"Do {bead}",
            commit=commit,
            onto=onto.commit if onto else None,
            onto_tree=onto.tree if onto else None,
            task=task,
            style=style,
            message=message,
        )
        return self.workspaces.compose(order)

    def verifying(self, bead: str, made: Composition, *commands: str, number: int = 1) -> Verify:
        return Verify(
            bead=BeadId(bead), number=number, commit=made.commit, tree=made.tree, commands=commands, timeout_s=5
        )

    def clear(self, bead: str, number: int = 1, *, landed: bool = False) -> None:
        self.workspaces.clear(Clear(bead=BeadId(bead), number=number, landed=landed))

    def work(self, bead: str, agent: Agent, number: int = 1) -> Commit | None:
        """From a fresh worktree to one collected commit."""
        agent(self.prepare(bead, number))
        return self.collect(bead, number).commit

    def done(self, bead: str, agent: Agent) -> LandedAt:
        """All the way."""
        landed = self.land(bead, self.work(bead, agent))
        assert isinstance(landed, LandedAt)
        self.clear(bead, landed=True)
        return landed

    def tip(self) -> str:
        return self.git("rev-parse", self.target)

    def refs(self, below: str = "refs/") -> dict[str, str]:
        rows = self.git("for-each-ref", "--format=%(refname) %(objectname)", below).splitlines()
        return dict(row.split(" ") for row in rows)

    def holds(self, commit: str, *below: str) -> bool:
        """Whether a ref below one of these has it."""
        asked = ("for-each-ref", "--count=1", "--format=x", f"--contains={commit}")
        return bool(self.git(*asked, *below))

    def branches(self) -> dict[str, str]:
        """The beads' own, as refs write their ids."""
        below = "refs/heads/orchestrator-work/night/"
        return {name.removeprefix(below): at for name, at in self.refs(below).items()}

    def attic(self, bead: str) -> dict[str, str]:
        below = f"refs/orchestrator/attic/{bead}/"
        return {name.removeprefix(below): commit for name, commit in self.refs(below).items()}

    def content(self, revision: str) -> dict[str, str]:
        """Every file of a commit."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", revision).split("\0")
        return {name: self.git("cat-file", "blob", f"{revision}:{name}") for name in names if name}

    def again(self, **changed: object) -> World:
        """The next orchestrator process in the same repository: nothing in memory is left."""
        workspaces = open_run(self.tmp, self.repository, self.commands, **changed)
        self.opened.append(workspaces)
        return replace(self, workspaces=workspaces, target=str(changed.get("target", self.target)))


def open_run(tmp: Path, repository: Repository, commands: ShellCommands, **changed: object) -> GitWorkspaces:
    given: dict[str, object] = {
        "repository": repository,
        "run_name": "night",
        "target": "orchestrator/night",
        "base": None,
        "worktrees": tmp / "trees",
        "commands": commands,
        "logs": tmp / "logs",
        **changed,
    }
    workspaces = GitWorkspaces(**given)  # type: ignore[arg-type]
    workspaces.start()
    return workspaces


def make_repository(top: Path) -> Path:
    top.mkdir(parents=True)
    git(top, "init", "--quiet")
    for name in ("a.txt", "b.txt", "src/c.txt"):
        file = top / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{name} {line}\n" for line in range(10)))
    (top / ".gitignore").write_text("*.ignored\n")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "Begin")
    return top


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A person's checkout, in the middle of something: staged, unstaged and untracked changes, and a stash."""
    top = make_repository(tmp_path / "Ünsere Sache")
    (top / "b.txt").write_text("stashed\n")
    git(top, "stash")
    git(top, "branch", "theirs")
    (top / "a.txt").write_text("staged by the person\n")
    git(top, "add", "a.txt")
    (top / "a.txt").write_text("and changed after that\n")
    (top / "note to self.txt").write_text("untracked\n")
    return top


@pytest.fixture
def world(tmp_path: Path, top: Path) -> Iterator[World]:
    """A run that has begun. At the end, what is the person's is as it was: in every test."""
    repository = open_repository(top)
    before = persons(repository)
    commands = ShellCommands()
    workspaces = open_run(tmp_path, repository, commands)
    opened = [workspaces]
    try:
        yield World(
            tmp=tmp_path, top=top, repository=repository, commands=commands, workspaces=workspaces, opened=opened
        )
        assert persons(repository) == before
    finally:
        for each in opened:
            each._git.residents.close()


def persons(repository: Repository) -> Fingerprint:
    """What must not change, whichever runs there are."""
    found = fingerprint(repository, ["orchestrator/night"])
    return structs.replace(found, refs={name: at for name, at in found.refs.items() if "/orchestrator/" not in name})


@pytest.fixture
def as_agent() -> Callable[..., str]:
    """Git as an agent runs it, under a name of its own."""

    def run(cwd: Path, *argv: str, who: str = "Agent", codes: Sequence[int] = (0,)) -> str:
        return git(cwd, *argv, who=who, codes=codes)

    return run
