"""The port `Workspaces` on a real repository: each method is one order, in a few named steps.

Every method turns what git and the disk refuse into `WorkspaceFault`, and is safe to call again after a death in its
middle. Nothing but the cache of what has landed is shared between them, so each may be called from a thread of its own;
one bead's orders come one after another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.core.messages import Check, Clear, Collect, Land, OpenSession, Save
from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import refs, worktrees
from orchestrator.repo.attic import Kept, keep_all, prove_kept
from orchestrator.repo.delivery import deliver, where_it_began
from orchestrator.repo.desk import Desk, Run, commit_at, desk_of, independent
from orchestrator.repo.faults import as_workspace_fault
from orchestrator.repo.furnishing import copy_in, included, initialise_submodules
from orchestrator.repo.landing import Landing
from orchestrator.repo.nested import rescue
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import NOTHING, Move, quoted
from orchestrator.repo.repository import Repository
from orchestrator.repo.stage import Stage
from orchestrator.repo.target import Landings, begin, tip_of
from orchestrator.repo.verification import Runner, Verified
from orchestrator.repo.worktrees import Label, Worktree
from orchestrator.runtime.ports import (
    CheckResult,
    Commands,
    Conflict,
    Empty,
    LandedAt,
    Place,
    Red,
    Work,
    WorkspaceFault,
)


class GitWorkspaces:
    """Worktrees, the keeping of work, and the target branch of one run in one repository."""

    def __init__(
        self,
        *,
        repository: Repository,
        run_name: str,
        target: str,
        base: str | None,
        worktrees: Path,
        commands: Commands,
        logs: Path,
        setup: Sequence[str] = (),
        setup_timeout_s: float = 1800.0,
        excludes: Sequence[str] = (),
        patience_s: float = 3.0,
    ) -> None:
        """`base` is a revision, None: the person's HEAD. `logs` is a folder for the output of checks and setup.

        `excludes` are patterns (gitignore syntax) of files that are nobody's work: they are neither collected nor kept.
        `patience_s` is how long a lock that another git holds is waited for.
        """
        folder = worktrees.expanduser().resolve() / quoted(run_name)
        self._run = Run(repository=repository, name=run_name, target=target, folder=folder)
        self._base = base
        self._setup, self._setup_timeout_s = tuple(setup), setup_timeout_s
        self._excludes = tuple(excludes)
        self._runner = Runner(commands=commands, logs=logs)
        self._git = Git(patience_s=patience_s)
        self._start: Commit | None = None
        self._landing: Landing | None = None
        self._included: tuple[Path, ...] | None = None

    def start(self) -> Commit:
        """Create the target where it is not there yet; its tip. Raises `RepositoryFault`; nothing is then written."""
        repository = self._run.repository
        with as_workspace_fault("beginning the run"):
            start = begin(self._git, self._run, self._base)
            if self._excludes:
                file = _exclusions(self._git, repository, self._excludes)
                self._git = replace(self._git, settings={"core.excludesFile": str(file)})
            self._landing = Landing(
                git=self._git,
                run=self._run,
                landings=Landings(git=self._git, run=self._run, start=start),
                stage=Stage(git=self._git, run=self._run, runner=self._runner, setup=self._setup),
                verified=Verified(repository.state / "verified.jsonl"),
            )
            self._start = start
            for folder in (self._run.folder, repository.state):  # of an orchestrator that was killed
                worktrees.empty_trash(folder)
            return tip_of(self._git, self._run).commit

    @property
    def began_at(self) -> Commit:
        """Where the target began: what a run lands is what it has beyond that."""
        if self._start is None:
            raise WorkspaceFault("`start` comes first: the target is not known yet")
        return self._start

    # ------------------------------------------------------------ worktrees

    def prepare(self, order: OpenSession) -> Path:
        with as_workspace_fault(f"preparing a worktree for {order.bead}"):
            desk = desk_of(self._git, self._run, order.bead)
            target = desk.target or tip_of(self._git, self._run)
            self._refuse_strangers(desk)
            if order.keep and (ready := self._as_it_is(desk)):
                worktrees.mend(ready)
                worktrees.mark(ready, self._label(order))
                return ready.path
            commit = self._left_behind(desk) if order.keep else None
            self._retire(desk, _last_number(desk, order.number))
            begins = where_it_began(self._git, replace(desk, target=target), commit) if commit else target.commit
            self._make(desk, commit or target.commit, begins)
            return desk.path

    def furnish(self, order: OpenSession) -> Place:
        """A worktree counts as complete, and is gone on with later, once this has been through it."""
        with as_workspace_fault(f"setting up the worktree of {order.bead}"):
            path = self._run.path_of(order.bead)
            made = worktrees.worktree_at(self._run.repository, path)
            if made is None:
                raise WorkspaceFault(f"the worktree {path} is gone")
            if made.label is None:
                self._set_up(made, order)
            name = f"{quoted(order.bead)}.{order.number}"
            return Place(worktree=path, scratch=self._run.repository.state / "scratch" / name)

    def save(self, order: Save) -> Commit | None:
        with as_workspace_fault(f"saving what is in the worktree of {order.bead}"):
            desk = desk_of(self._git, self._run, order.bead)
            kept = keep_all(self._git, desk, order.number, person=self._run.repository.person)
            return kept.commit if kept.differs else None

    def clear(self, order: Clear) -> None:
        with as_workspace_fault(f"clearing the worktree of {order.bead}"):
            desk = desk_of(self._git, self._run, order.bead)
            self._refuse_strangers(desk)
            kept = self._retire(desk, order.number)
            branch = desk.branch.commit if desk.branch else None
            moves = []
            if order.landed:
                moves += [Move(name=desk.branch_name, new=None, old=branch)] if branch else []
                moves += [Move(name=desk.base_name, new=None, old=desk.base.commit)] if desk.base else []
            elif kept.commit and kept.differs and kept.commit != branch:
                moves.append(Move(name=desk.branch_name, new=kept.commit, old=branch or NOTHING))
            refs.move(self._git, desk.place, moves, why=f"cleared {order.bead}")

    def _retire(self, desk: Desk, number: int) -> Kept:
        """Keep all that is on a desk, have git prove it, and only then take the worktree away."""
        if desk.is_bare:
            return Kept(held=(), commit=None, tree=None, differs=False)
        kept = keep_all(self._git, desk, number, person=self._run.repository.person)
        siblings = [found for found in worktrees.registered(desk.run.repository) if desk.path in found.path.parents]
        heads = (commit_at(self._git, found.admin) for found in siblings)
        prove_kept(self._git, desk, number, (*kept.held, kept.commit, *heads))
        rescue(self._git, desk, number, kept)
        for found in siblings:  # an agent made them, inside its own
            worktrees.remove(self._run.repository, found, found.path)
        worktrees.remove(self._run.repository, desk.worktree, desk.path)
        return kept

    def _refuse_strangers(self, desk: Desk) -> None:
        """Raises `WorkspaceFault` where somebody else's folder or worktree is at the bead's place."""
        found, path = desk.worktree, desk.path
        if found is not None:
            ours = found.is_ours or found.branch == desk.branch_name
        elif path.is_symlink() or (path.exists() and not path.is_dir()):
            ours = False
        else:
            # A worktree whose registration is gone still says in its `.git` where it belongs.
            link = path / ".git"
            said = link.read_text(errors="replace") if link.is_file() else ""
            registry = f"gitdir: {self._run.repository.common_dir / 'worktrees'}/"
            ours = not path.exists() or not any(path.iterdir()) or said.startswith(registry)
        if not ours:
            raise WorkspaceFault(
                f"{path} is there already, and we did not make it: move it away, or choose another folder with "
                "`--worktrees`"
            )

    def _as_it_is(self, desk: Desk) -> Worktree | None:
        """The worktree of the last attempt, if it is complete."""
        found = desk.worktree
        return found if found and found.label and desk.path.is_dir() else None

    def _left_behind(self, desk: Desk) -> Commit | None:
        """Where to go on when the worktree is gone: the bead's branch, or what was saved on top of it."""
        if desk.branch is None and desk.base is None:
            return None  # an attic without either is an earlier run's
        branch = desk.branch.commit if desk.branch else None
        saved = next((ref.commit for ref in reversed(list(desk.attic.values()))), None)
        newest = independent(self._git, desk, (saved, branch))
        return newest[0] if len(newest) == 1 else branch

    def _make(self, desk: Desk, commit: Commit, begins: Commit) -> Worktree:
        refs.move(self._git, desk.place, [Move(name=desk.base_name, new=begins)], why=f"begin {desk.bead}")
        why = f"{self._run.name}/{desk.bead}"
        return worktrees.add(self._git, self._run.repository, desk.path, commit, branch=desk.branch_name, why=why)

    def _set_up(self, made: Worktree, order: OpenSession) -> None:
        initialise_submodules(self._git, made)
        if self._included is None:
            self._included = included(self._git, self._run.repository)
        copy_in(self._run.repository, self._included, made.path)
        env = {**self._env(order.bead, order.number), "ORCHESTRATOR_WORKER": order.worker}
        done = self._runner.run(
            self._setup,
            what=f"{quoted(order.bead)}.{order.number}.setup",
            cwd=made.path,
            env=env,
            timeout_s=self._setup_timeout_s,
        )
        if not done.passed:
            raise WorkspaceFault(f"setup failed in a fresh worktree: `{done.command}`\n{done.output}")
        worktrees.mark(made, self._label(order))

    # ------------------------------------------------------------ work

    def collect(self, order: Collect) -> Work:
        with as_workspace_fault(f"collecting the work of {order.bead}"):
            desk = desk_of(self._git, self._run, order.bead)
            return deliver(self._git, desk, order.number, order.title, person=self._run.repository.person)

    def check(self, order: Check) -> CheckResult:
        with as_workspace_fault(f"checking the work of {order.bead}"):
            path = self._run.path_of(order.bead)
            if not path.is_dir():
                raise WorkspaceFault(f"the worktree {path} is gone, and with it what was to be checked")
            return self._runner.run(
                order.commands,
                what=f"{quoted(order.bead)}.{order.number}.own",
                cwd=path,
                env={**self._env(order.bead, order.number), "ORCHESTRATOR_WORKER": order.worker},
                timeout_s=order.timeout_s,
            )

    def land(self, order: Land) -> LandedAt | Conflict | Red | Empty:
        with as_workspace_fault(f"landing {order.bead}"):
            return self._begun().land(order)

    def landed(self) -> Mapping[BeadId, Commit]:
        with as_workspace_fault("reading what has landed"):
            found = self._begun().landings.at(tip_of(self._git, self._run).commit)
            return {bead: one.commit for bead, one in found.items()}

    def close(self) -> None:
        self._runner.commands.close()
        with as_workspace_fault("removing the worktree in which merges are checked"):
            if self._landing is not None:
                self._landing.stage.close()
            for folder in (self._run.folder, self._run.repository.state):
                worktrees.empty_trash(folder)
            if self._run.folder.is_dir() and not any(self._run.folder.iterdir()):
                self._run.folder.rmdir()

    def _begun(self) -> Landing:
        if self._landing is None:
            raise WorkspaceFault("`start` comes first: the target is not known yet")
        return self._landing

    def _label(self, order: OpenSession) -> Label:
        return Label(run=self._run.name, bead=order.bead, number=order.number)

    def _env(self, bead: BeadId, number: int) -> dict[str, str]:
        return {"ORCHESTRATOR_RUN": self._run.name, "ORCHESTRATOR_BEAD": bead, "ORCHESTRATOR_ATTEMPT": str(number)}


def _last_number(desk: Desk, number: int) -> int:
    """The attempt that left what is on the desk: the one that the worktree was last prepared for."""
    label = desk.worktree.label if desk.worktree else None
    return label.number if label else max(number - 1, 0)


def _exclusions(git: Git, repository: Repository, patterns: Sequence[str]) -> Path:
    """A file of the person's own exclusions, followed by ours: git reads one such file only."""
    asked = git(repository.place, "config", "--type=path", "--get", "core.excludesFile", codes=(0, 1)).text
    home = Path.home() / ".config"
    theirs = Path(asked) if asked else home / "git" / "ignore"
    file = repository.state / "excludes"
    file.parent.mkdir(parents=True, exist_ok=True)
    own = theirs.read_text(errors="replace") if theirs.is_file() else ""
    new = file.with_name("excludes.new")
    new.write_text(own.rstrip("\n") + "\n" + "\n".join(patterns) + "\n")
    new.replace(file)
    return file
