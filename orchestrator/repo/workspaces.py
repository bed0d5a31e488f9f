"""The port `Workspaces` on a real repository: each method is one order, in a few named steps.

Every method turns what git and the disk refuse into `WorkspaceFault`, and is safe to call again after a death in its
middle. They share nothing that two of them change, so each may be called from a thread of its own; one bead's
orders come one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.messages import (
    Advance,
    Check,
    Clear,
    Collect,
    Compose,
    Follow,
    OpenSession,
    Propose,
    Push,
    Save,
    Verify,
)
from orchestrator.core.model import BeadId, Commit, PullRequests, Stray
from orchestrator.core.values import Struct, replace
from orchestrator.repo import refs, trace, worktrees
from orchestrator.repo.base_branch import BaseBranch
from orchestrator.repo.berths import berth, environment
from orchestrator.repo.collisions import Finder
from orchestrator.repo.delivery import touched
from orchestrator.repo.desk import Run, worktree_of
from orchestrator.repo.enclosure import walls_around
from orchestrator.repo.exclusions import exclusions
from orchestrator.repo.faults import RefMoved, as_workspace_fault
from orchestrator.repo.fences import Fences
from orchestrator.repo.following import follow
from orchestrator.repo.furnishing import Furnishing
from orchestrator.repo.keeping import Keeping
from orchestrator.repo.landing import Landing
from orchestrator.repo.ledger import Ledger
from orchestrator.repo.merging import begin_merge
from orchestrator.repo.plumbing import Git
from orchestrator.repo.preparing import Preparing
from orchestrator.repo.pushing import Remote, push, remote_of
from orchestrator.repo.refs import quoted
from orchestrator.repo.repository import Repository, branch_named
from orchestrator.repo.shield import Shield
from orchestrator.repo.signing import Signing, signing
from orchestrator.repo.spares import Spares
from orchestrator.repo.stage import Stages
from orchestrator.repo.target import begin, landings, tip_of
from orchestrator.repo.templates import FOLDER as TEMPLATES
from orchestrator.repo.templates import Templates
from orchestrator.repo.verification import Runner, Verified
from orchestrator.runtime.confinement import Walls
from orchestrator.runtime.dependencies import Dependency
from orchestrator.runtime.ports import (
    Brought,
    CheckResult,
    Commands,
    Composition,
    Conflict,
    Empty,
    LandedAt,
    Letter,
    Look,
    Place,
    Work,
    WorkspaceFault,
)

if TYPE_CHECKING:
    from orchestrator.repo.pull_requests import Proposing


class Begun(Struct, frozen=True, kw_only=True):
    """What carries out the orders of a run that has begun. All of it goes by one git."""

    git: Git
    start: Commit
    """Where the target began."""
    fences: Fences
    keeping: Keeping
    preparing: Preparing
    landing: Landing
    finder: Finder
    remote: Remote | None
    proposing: Proposing | None


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
        dependencies: Sequence[Dependency] = (),
        excludes: Sequence[str] = (),
        patience_s: float = 3.0,
        recordings: Path | None = None,
        can_wall: Callable[[Walls], bool] = lambda walls: False,
        workers: int = 4,
        signing_s: float = 60.0,
        push_to: str = "",
        push_s: float = 600.0,
        requests: PullRequests | None = None,
        follow_base: bool = False,
        surroundings: Mapping[str, str] | None = None,
        before_work: Callable[[], object] = lambda: None,
    ) -> None:
        """`base` is a revision, None: the person's HEAD. `logs` is a folder for the output of checks and setup.

        `excludes` are patterns (gitignore syntax) of files that are nobody's work: they are neither collected nor kept.
        `patience_s` is how long a lock that another git holds is waited for.
        `recordings` is where the recordings of sessions are; `workers`, how many worktrees are put by for later beads
        at most. `signing_s` is how long one signature may take. `push_to` is a remote, or
        nothing; `push_s` is how long one push may take, or one command of `requests`.
        `surroundings` is the environment of checks.
        `can_wall` says whether this machine can put a session behind walls. `before_work` is called, from any
        thread, before the first command or agent gets a worktree to work in; it returns when that may be.
        """
        folder = worktrees.expanduser().resolve() / quoted(run_name)
        self._run = Run(repository=repository, name=run_name, target=target, folder=folder)
        self._base = base
        self._base_branch = BaseBranch(follow=follow_base, requests=requests)
        self._before_work = before_work
        self._signing_s = signing_s
        self._surroundings = surroundings
        self._push_to, self._push_s = push_to, push_s
        self._setup, self._setup_timeout_s = tuple(setup), setup_timeout_s
        self._dependencies = tuple(dependencies)
        self._excludes = tuple(excludes)
        self._runner = Runner(commands=commands, logs=logs)
        self._ledger = Ledger(repository.common_dir)
        self._git = Git(patience_s=patience_s, ledger=self._ledger)
        self._recordings = recordings or repository.state / "recordings"
        self._can_wall = can_wall
        self._spares = Spares(run=self._run, most=workers)
        self._has_begun: Begun | None = None

    def start(self, *, begins: bool = True) -> Commit:
        """Create the target where it is not there yet; its tip. Raises `RepositoryFault`; nothing is then written.

        A run that does not begin now has its base branch already, whatever the person is on.
        """
        repository = self._run.repository
        with as_workspace_fault("beginning the run"):
            git = replace(self._git, shield=Shield(repository.common_dir / "config").settings)
            remote = remote_of(git, repository, self._push_to) if self._push_to else None
            signs = signing(git, repository, within_s=self._signing_s)
            self._base_branch.name = branch_named(repository, git, self._base)
            if begins:
                self._base_branch.refuse_none(self._run.target)
            start = begin(git, self._run, self._base)
            if self._excludes:
                git = replace(git, settings={"core.excludesFile": str(exclusions(git, repository, self._excludes))})
            self._has_begun = begun = self._begin(git, start, signs, remote)
            begun.fences.learn()
            self._spares.remove_orphans()
            for folder in (self._run.folder, repository.state):  # of an orchestrator that was killed
                worktrees.empty_trash(folder)
            return tip_of(git, self._run).commit

    def _begin(self, git: Git, start: Commit, signs: Signing | None, remote: Remote | None) -> Begun:
        run, repository, runner = self._run, self._run.repository, self._runner
        templates = Templates(git=git, folder=repository.state / TEMPLATES, dependencies=self._dependencies)
        furnishing = Furnishing(git=git, repository=repository, templates=templates)
        stages = Stages(git=git, run=run, runner=runner, furnishing=furnishing, setup=self._setup)
        verified = Verified(repository.state / "verified.jsonl", self._surroundings)
        keeping = Keeping(git=git, run=run, spares=self._spares)
        return Begun(
            git=git,
            start=start,
            fences=Fences(
                git=git,
                run=run,
                ledger=self._ledger,
                recordings=self._recordings,
                walled=self._can_wall(walls_around(run, None)),
            ),
            keeping=keeping,
            preparing=Preparing(
                git=git,
                run=run,
                keeping=keeping,
                spares=self._spares,
                furnishing=furnishing,
                runner=runner,
                setup=self._setup,
                setup_timeout_s=self._setup_timeout_s,
            ),
            landing=Landing(git=git, run=run, stages=stages, verified=verified, signing=signs),
            finder=Finder(git, run),
            remote=remote,
            proposing=self._proposing(git, start, signs, remote) if remote else None,
        )

    def _proposing(self, git: Git, start: Commit, signs: Signing | None, remote: Remote) -> Proposing | None:
        requests = self._base_branch.requests
        if requests is None:
            return None
        from orchestrator.repo.pull_requests import Proposing

        return Proposing(
            git=git,
            run=self._run,
            remote=remote,
            how=requests,
            commands=self._runner.commands,
            logs=self._runner.logs,
            start=start,
            signing=signs,
            within_s=self._push_s,
        )

    @property
    def _begun(self) -> Begun:
        if self._has_begun is None:
            raise WorkspaceFault("`start` comes first: the target is not known yet")
        return self._has_begun

    @property
    def began_at(self) -> Commit:
        """Where the target began: what a run lands is what it has beyond that."""
        return self._begun.start

    @property
    def base_branch(self) -> str:
        """The branch that `base` names, or the person's HEAD is on, as a full ref; empty: it is no branch."""
        return self._base_branch.name

    def go_by(self, branch: str) -> None:
        """The run's base branch is this one, whatever the person has checked out by now."""
        self._base_branch.name = branch

    @property
    def folder(self) -> Path:
        """Where this run's worktrees are; it may not be there yet."""
        return self._run.folder

    # ------------------------------------------------------------ worktrees

    def prepare(self, order: OpenSession) -> Path:
        with as_workspace_fault(f"preparing a worktree for {order.bead}"):
            return self._begun.preparing.prepare(order)

    def furnish(self, order: OpenSession) -> Place:
        """A worktree counts as complete, and is gone on with later, once this has been through it."""
        with as_workspace_fault(f"setting up the worktree of {order.bead}"):
            begun, repository = self._begun, self._run.repository
            made = worktree_of(self._run, order.bead)
            if made is None or not made.path.is_dir():
                raise WorkspaceFault(f"the worktree {self._run.path_of(order.bead)} is gone")
            self._before_work()
            if made.label is None:
                begun.preparing.set_up(made, order)
            elif order.merge:
                begun.keeping.commit(order)
                begin_merge(begun.git, made, self._run.target)
            scratch = repository.state / "scratch" / f"{quoted(order.bead)}.{order.number}"
            begun.fences.raise_around(order.bead, order.number, worktree=made.path, scratch=scratch)
            return Place(
                worktree=made.path,
                scratch=scratch,
                env={trace.VARIABLE: str(scratch / trace.FILE), **berth(repository, self._run.name, order.worker)},
                walls=walls_around(self._run, made.path),
                walled=begun.fences.walled,
            )

    def strays(self, order: Save | Collect) -> tuple[Stray, ...]:
        with as_workspace_fault(f"putting back what changed while {order.bead} was at work"):
            return self._begun.fences.after_collecting(order.bead)

    def save(self, order: Save) -> Commit | None:
        with as_workspace_fault(f"saving what is in the worktree of {order.bead}"):
            self._begun.fences.before_collecting(order.bead)
            return self._begun.keeping.save(order)

    def checkpoint(self, bead: BeadId, number: int) -> Commit | None:
        with as_workspace_fault(f"taking a checkpoint of the worktree of {bead}"):
            return self._begun.keeping.checkpoint(bead, number)

    def clear(self, order: Clear) -> None:
        with as_workspace_fault(f"clearing the worktree of {order.bead}"):
            self._begun.keeping.clear(order)

    def collisions(self, checkpoints: Sequence[Commit]) -> Look:
        with as_workspace_fault("merging checkpoints"):
            return self._begun.finder.look(self._begun.keeping.own_work(checkpoints))

    # ------------------------------------------------------------ work

    def touched(self, order: OpenSession) -> tuple[str, ...]:
        with as_workspace_fault(f"looking at the worktree of {order.bead}"):
            return touched(self._begun.git, self._run, order.bead)

    def collect(self, order: Collect) -> Work:
        with as_workspace_fault(f"collecting the work of {order.bead}"):
            self._begun.fences.before_collecting(order.bead)
            try:
                return self._begun.keeping.collect(order)
            except RefMoved:  # another turn's fence has put the branch back just now
                return self._begun.keeping.collect(order)

    def check(self, order: Check) -> CheckResult:
        with as_workspace_fault(f"checking the work of {order.bead}"):
            found = worktree_of(self._run, order.bead)
            path = found.path if found else self._run.path_of(order.bead)
            if not path.is_dir():
                raise WorkspaceFault(f"the worktree {path} is gone, and with it what was to be checked")
            return self._runner.run(
                order.commands,
                what=f"{quoted(order.bead)}.{order.number}.own",
                cwd=path,
                env=environment(self._run.repository, self._run.name, order),
                timeout_s=order.timeout_s,
            )

    def compose(self, order: Compose) -> Composition | LandedAt | Conflict | Empty:
        with as_workspace_fault(f"merging {order.bead}"):
            self._begun.fences.guard(self._run.target_ref)
            return self._begun.landing.compose(order)

    def follow(self, order: Follow) -> Composition | Conflict | Empty:
        with as_workspace_fault(f"merging {self.base_branch}"):
            self._begun.fences.guard(self._run.target_ref)
            signs = self._begun.landing.signing
            return follow(self._begun.git, self._run, signs, order, self._base_branch.short)

    def base(self) -> Commit | None:
        with as_workspace_fault(f"looking at {self.base_branch}"):
            return self._base_branch.commit(self._begun.git, self._run.repository)

    def verify(self, order: Verify) -> CheckResult:
        with as_workspace_fault(f"checking the merged tree of {order.bead}"):
            return self._begun.landing.verify(order)

    def drop(self, order: Verify) -> None:
        self._begun.landing.stages.drop(order)

    def advance(self, order: Advance) -> bool:
        what = order.stops[-1].bead if order.stops else self.base_branch
        with as_workspace_fault(f"landing {what}"):
            self._begun.fences.guard(self._run.target_ref)
            return self._begun.landing.advance(order)

    def push(self, order: Push) -> Commit:
        remote = self._begun.remote
        if remote is None:
            raise WorkspaceFault(f"no remote was named when the run began: `{order.remote}` is not known")
        with as_workspace_fault(f"pushing to {remote.name}"):
            return push(self._begun.git, self._run, remote, within_s=self._push_s)

    def propose(self, order: Propose, letter: Letter) -> Brought:
        proposing = self._begun.proposing
        if proposing is None:
            raise WorkspaceFault("no pull requests were asked for when the run began: start it again")
        with as_workspace_fault("opening a pull request"):
            order = order if order.base else replace(order, base=self._base_branch.of_requests)
            return proposing.bring(order, letter)

    def landed(self, tasks: Mapping[BeadId, str]) -> Mapping[BeadId, Commit]:
        with as_workspace_fault("reading what has landed"):
            git, place = self._begun.git, self._run.repository.place
            held = landings(git, place, self._run.target, tip_of(git, self._run).commit)
            found = {refs.what_landed(ref.name): ref.commit for ref in held.values()}
            return {bead: found[bead, task] for bead, task in tasks.items() if (bead, task) in found}

    def close(self) -> None:
        self._runner.commands.close()
        # What cannot be removed keeps nothing else from being removed.
        with as_workspace_fault("removing what no bead needs any more"), ExitStack() as last_first:
            last_first.callback(self._git.residents.close)
            last_first.callback(self._empty_folders)
            last_first.callback(self._spares.remove_all)
            if self._has_begun is not None:
                last_first.callback(self._has_begun.landing.stages.close)

    def _empty_folders(self) -> None:
        for folder in (self._run.folder, self._run.repository.state):
            worktrees.empty_trash(folder)
        if self._run.folder.is_dir() and not any(self._run.folder.iterdir()):
            self._run.folder.rmdir()
