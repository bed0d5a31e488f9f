"""The port `Workspaces` on a real repository: each method is one order, in a few named steps.

Every method turns what git and the disk refuse into `WorkspaceFault`, and is safe to call again after a death in its
middle. They share nothing that two of them change, so each may be called from a thread of its own; one bead's
orders come one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
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
from orchestrator.core.model import BeadId, Commit, PullRequests, Stray, Tree
from orchestrator.core.pull_requests import short
from orchestrator.core.values import replace
from orchestrator.repo import checkpoints, refs, trace, worktrees
from orchestrator.repo.attic import keep_all, number_of, prove_kept
from orchestrator.repo.berths import berth
from orchestrator.repo.delivery import deliver, touched, where_it_began
from orchestrator.repo.desk import Desk, Run, commit_at, desk_of, worktree_of
from orchestrator.repo.faults import RefMoved, RepositoryFault, as_workspace_fault
from orchestrator.repo.fences import Fences
from orchestrator.repo.following import follow
from orchestrator.repo.furnishing import Furnishing
from orchestrator.repo.landing import Landing
from orchestrator.repo.ledger import Ledger
from orchestrator.repo.merging import begin_merge
from orchestrator.repo.nested import rescue
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.pushing import Remote, push, remote_of
from orchestrator.repo.refs import NOTHING, Move, quoted
from orchestrator.repo.repository import Repository, branch_named, main_checkout
from orchestrator.repo.shield import Shield
from orchestrator.repo.signing import signing
from orchestrator.repo.spares import Spares
from orchestrator.repo.stage import Stages
from orchestrator.repo.target import begin, landings, tip_of
from orchestrator.repo.templates import FOLDER as TEMPLATES
from orchestrator.repo.templates import Templates
from orchestrator.repo.verification import Runner, Verified
from orchestrator.repo.worktrees import Label, Worktree
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
    Place,
    Work,
    WorkspaceFault,
)

if TYPE_CHECKING:
    from orchestrator.repo.pull_requests import Proposing


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
        self._before_work = before_work
        self._signing_s = signing_s
        self._surroundings = surroundings
        self._push_to, self._push_s = push_to, push_s
        self._requests, self._follow_base = requests, follow_base
        self._proposing: Proposing | None = None
        self._base_branch = ""
        self._remote: Remote | None = None
        self._setup, self._setup_timeout_s = tuple(setup), setup_timeout_s
        self._excludes = tuple(excludes)
        self._runner = Runner(commands=commands, logs=logs)
        ledger = Ledger(repository.common_dir)
        self._git = Git(patience_s=patience_s, ledger=ledger)
        self._can_wall = can_wall
        self._spares = Spares(run=self._run, most=workers)
        self._fences = Fences(
            git=self._git, run=self._run, ledger=ledger, recordings=recordings or repository.state / "recordings"
        )
        self._checkpointed: dict[BeadId, Tree] = {}
        """What each worktree held at its last checkpoint, while its agent is at work."""
        self._start: Commit | None = None
        self._landing: Landing | None = None
        self._dependencies = tuple(dependencies)
        self._furnishing = self._furnished_by(self._git)

    def start(self, *, begins: bool = True) -> Commit:
        """Create the target where it is not there yet; its tip. Raises `RepositoryFault`; nothing is then written.

        A run that does not begin now has its base branch already, whatever the person is on.
        """
        repository = self._run.repository
        with as_workspace_fault("beginning the run"):
            self._git = replace(self._git, shield=Shield(repository.common_dir / "config"))
            if self._push_to:
                self._remote = remote_of(self._git, repository, self._push_to)
            signs = signing(self._git, repository, within_s=self._signing_s)
            self._base_branch = branch_named(repository, self._git, self._base)
            if begins:
                self._refuse_baseless()
            start = begin(self._git, self._run, self._base)
            if self._excludes:
                file = _exclusions(self._git, repository, self._excludes)
                self._git = replace(self._git, settings={"core.excludesFile": str(file)})
            self._furnishing = self._furnished_by(self._git)
            stages = Stages(
                git=self._git,
                run=self._run,
                runner=self._runner,
                furnishing=self._furnishing,
                setup=self._setup,
            )
            self._landing = Landing(
                git=self._git,
                run=self._run,
                stages=stages,
                verified=Verified(repository.state / "verified.jsonl", self._surroundings),
                signing=signs,
            )
            self._start = start
            if self._requests is not None and self._remote is not None:
                from orchestrator.repo.pull_requests import Proposing

                self._proposing = Proposing(
                    git=self._git,
                    run=self._run,
                    remote=self._remote,
                    how=self._requests,
                    commands=self._runner.commands,
                    logs=self._runner.logs,
                    start=start,
                    signing=signs,
                    within_s=self._push_s,
                )
            self._fences.git = self._git
            self._fences.walled = self._can_wall(self._walls(None))
            self._fences.learn()
            self._spares.remove_orphans()
            for folder in (self._run.folder, repository.state):  # of an orchestrator that was killed
                worktrees.empty_trash(folder)
            return tip_of(self._git, self._run).commit

    @property
    def began_at(self) -> Commit:
        """Where the target began: what a run lands is what it has beyond that."""
        if self._start is None:
            raise WorkspaceFault("`start` comes first: the target is not known yet")
        return self._start

    @property
    def base_branch(self) -> str:
        """The branch that `base` names, or the person's HEAD is on, as a full ref; empty: it is no branch."""
        return self._base_branch

    def go_by(self, branch: str) -> None:
        """The run's base branch is this one, whatever the person has checked out by now."""
        self._base_branch = branch

    def _base_of_requests(self) -> str:
        assert self._requests is not None
        return self._requests.base or short(self._base_branch)

    def _refuse_baseless(self) -> None:
        if self._follow_base and not self._base_branch:
            raise RepositoryFault(
                "follow_base: the target does not begin on a branch: say with `base:` which one it is to follow"
            )
        if self._requests is None:
            return
        base = self._base_of_requests()
        if not base:
            raise RepositoryFault(
                "pull_request: the target does not begin on a branch: say with `pull_request.base` into which they are "
                "to go"
            )
        if base == self._run.target:
            raise RepositoryFault(f"pull_request: `{base}` is the target itself: choose another `target:` or `base:`")

    @property
    def folder(self) -> Path:
        """Where this run's worktrees are; it may not be there yet."""
        return self._run.folder

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
            held = self._retire(desk, _last_number(desk, order.number), goes_on=order.keep)
            cleared = desk if desk.is_bare else desk_of(self._git, self._run, order.bead)
            self._refuse_strangers(cleared)  # at the place where the worktree goes, if it was elsewhere
            branch = cleared.branch.commit if cleared.branch else None
            commit = (held or self._left_behind(desk, branch)) if order.keep else None
            begins = where_it_began(self._git, replace(desk, target=target), commit) if commit else target.commit
            return self._make(cleared, commit or target.commit, begins).path

    def furnish(self, order: OpenSession) -> Place:
        """A worktree counts as complete, and is gone on with later, once this has been through it."""
        with as_workspace_fault(f"setting up the worktree of {order.bead}"):
            made = worktree_of(self._run, order.bead)
            if made is None or not made.path.is_dir():
                raise WorkspaceFault(f"the worktree {self._run.path_of(order.bead)} is gone")
            self._before_work()
            if made.label is None:
                self._set_up(made, order)
            elif order.merge:
                begin_merge(self._git, made, self._run.target)
            scratch = self._run.repository.state / "scratch" / f"{quoted(order.bead)}.{order.number}"
            self._fences.raise_around(order.bead, order.number, worktree=made.path, scratch=scratch)
            return Place(
                worktree=made.path,
                scratch=scratch,
                env={
                    trace.VARIABLE: str(scratch / trace.FILE),
                    **berth(self._run.repository, self._run.name, order.worker),
                },
                walls=self._walls(made.path),
                walled=self._fences.walled,
            )

    def strays(self, order: Save | Collect) -> tuple[Stray, ...]:
        with as_workspace_fault(f"putting back what changed while {order.bead} was at work"):
            return self._fences.after_collecting(order.bead)

    def _walls(self, worktree: Path | None) -> Walls:
        """All that is somebody else's can be read and not written; what git itself needs of it can."""
        repository = self._run.repository
        common, mounts = repository.common_dir, []
        checkouts = [found.path for found in worktrees.registered(repository) if not found.is_ours]
        for checkout in dict.fromkeys([*filter(None, [repository.checkout]), main_checkout(repository), *checkouts]):
            if checkout.is_dir() and checkout != common:
                mounts.append((checkout, False))
        mounts.append((common, True))
        mounts += [(common / name, False) for name in ("hooks", "info") if (common / name).is_dir()]
        if self._run.folder.is_dir():
            mounts.append((self._run.folder, False))
        if worktree is not None:
            mounts.append((worktree, True))
        return Walls(mounts=tuple(mounts))

    def save(self, order: Save) -> Commit | None:
        with as_workspace_fault(f"saving what is in the worktree of {order.bead}"):
            self._fences.before_collecting(order.bead)
            desk = desk_of(self._git, self._run, order.bead)
            if rescued := checkpoints.restore(self._git, desk, order.number):
                return rescued
            kept = keep_all(self._git, desk, order.number, person=self._run.repository.person)
            self._release(desk, order.number, kept.tree)
            return kept.commit if kept.differs else None

    def checkpoint(self, bead: BeadId, number: int) -> Commit | None:
        with as_workspace_fault(f"taking a checkpoint of the worktree of {bead}"):
            last, person = self._checkpointed.get(bead), self._run.repository.person
            tree, commit = checkpoints.take(self._git, self._run, bead, number, last, person=person)
            if tree is not None:
                self._checkpointed[bead] = tree
            return commit

    def _release(self, desk: Desk, number: int, tree: Tree | None) -> None:
        self._checkpointed.pop(desk.bead, None)
        checkpoints.release(self._git, desk, number, tree)

    def clear(self, order: Clear) -> None:
        with as_workspace_fault(f"clearing the worktree of {order.bead}"):
            desk = desk_of(self._git, self._run, order.bead)
            self._refuse_strangers(desk)
            self._retire(desk, order.number, goes_on=not order.landed)
            if order.landed:
                gone = [ref for ref in (desk.branch, desk.base) if ref]
                moves = [Move(name=ref.name, new=None, old=ref.commit) for ref in gone]
                refs.move(self._git, desk.place, moves, why="clear")

    def _retire(self, desk: Desk, number: int, *, goes_on: bool) -> Commit | None:
        """Keep all that is on a desk, have git prove it, and only then take the worktree away.

        `goes_on`: the bead's branch is moved there before that, so that it is found again after a death in between.
        Returns what an agent's files came to, on top of all else that was there; None: there were none.
        """
        if desk.is_bare:
            return None
        worked_in = desk.worktree is None or desk.worktree.label is not None  # not half-made, with half of its files
        held = worked_in and desk.has_files
        kept = keep_all(self._git, desk, number, person=self._run.repository.person)
        siblings = [found for found in worktrees.registered(desk.run.repository) if desk.path in found.path.parents]
        heads = (commit_at(self._git, found.admin) for found in siblings)
        prove_kept(self._git, desk, number, (*kept.held, kept.commit, *heads))
        self._release(desk, number, kept.tree if held else None)
        rescue(self._git, desk, number, kept)
        branch = desk.branch.commit if desk.branch else None
        if goes_on and worked_in and kept.commit and kept.differs and kept.commit != branch:
            moved = Move(name=desk.branch_name, new=kept.commit, old=branch or NOTHING)
            refs.move(self._git, desk.place, [moved], why="keep")
        for found in siblings:  # an agent made them, inside its own
            worktrees.remove(self._run.repository, found, found.path)
        plain = not siblings and not kept.nested
        if not (desk.worktree and plain and desk.path.is_dir() and self._spares.put_by(self._git, desk.worktree)):
            worktrees.remove(self._run.repository, desk.worktree, desk.path)
        if desk.path.parent != self._run.folder:
            with suppress(OSError):  # not empty, or gone
                desk.path.parent.rmdir()
        return kept.commit if held else None

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
        """The worktree of the last attempt, if it is complete and git can read it."""
        found = desk.worktree
        if found is None or found.label is None or not desk.path.is_dir():
            return None
        # Reads HEAD, the index, and what they name.
        asked = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
        return found if self._git(found.place, *asked, codes=(0, 128)).code == 0 else None

    def _left_behind(self, before: Desk, branch: Commit | None) -> Commit | None:
        """Where to go on when the worktree is gone: the bead's branch, or what was saved on top of it.

        Other runs keep work in the attic under the same bead's name. Ours is what the worktree's last attempt left,
        because no two attempts of a bead have the same number; and what contains a commit that our branch alone has.
        """
        label = before.worktree.label if before.worktree else None
        own = branch is not None and self._is_own(before, branch)
        saved = [one for one in before.attic.values() if own or (label and number_of(one.name) == label.number)]
        if saved and branch is not None:
            on_top = refs.read(self._git, before.place, refs.attic_of(before.bead), containing=branch)
            saved = [one for one in saved if one.name in on_top]
        return saved[-1].commit if saved else branch

    def _is_own(self, desk: Desk, branch: Commit) -> bool:
        """The branch has a commit that was made in this run: it is neither where the bead began nor on the target."""
        if desk.base is None or desk.target is None or branch == desk.base.commit:
            return False
        asked = ("merge-base", "--is-ancestor", branch, desk.target.commit)
        return self._git(desk.place, *asked, codes=(0, 1)).code == 1

    def _make(self, desk: Desk, commit: Commit, begins: Commit) -> Worktree:
        moves = (Move(name=desk.base_name, new=begins), Move(name=desk.branch_name, new=commit))
        refs.move(self._git, desk.place, moves, why="begin")
        reason = worktrees.reason_for(self._run.name, desk.bead)
        if taken := self._spares.take(desk.path, branch=desk.branch_name, reason=reason):
            return taken
        return worktrees.add(
            self._git, self._run.repository, desk.path, commit, branch=desk.branch_name, reason=reason, filled=False
        )

    def _set_up(self, made: Worktree, order: OpenSession) -> None:
        worktrees.fill(self._git, made)
        if order.merge:
            begin_merge(self._git, made, self._run.target)
        env, what = self._env(order), f"{quoted(order.bead)}.{order.number}"

        def run(commands: Sequence[str], step: str) -> CheckResult:
            limit = self._setup_timeout_s
            return self._runner.run(commands, what=f"{what}.{step}", cwd=made.path, env=env, timeout_s=limit)

        self._furnishing.bring(made, lambda commands: run(commands, "dependencies"))
        done = run(self._setup, "setup")
        if not done.passed:
            raise WorkspaceFault(f"setup failed in a fresh worktree: `{done.command}`\n{done.output}")
        worktrees.mark(made, self._label(order))

    # ------------------------------------------------------------ work

    def touched(self, order: OpenSession) -> tuple[str, ...]:
        with as_workspace_fault(f"looking at the worktree of {order.bead}"):
            return touched(self._git, self._run, order.bead)

    def collect(self, order: Collect) -> Work:
        with as_workspace_fault(f"collecting the work of {order.bead}"):
            self._fences.before_collecting(order.bead)
            try:
                return self._collected(order)
            except RefMoved:  # another turn's fence has put the branch back just now
                return self._collected(order)

    def _collected(self, order: Collect) -> Work:
        desk = desk_of(self._git, self._run, order.bead)
        self._refuse_strangers(desk)
        work = deliver(self._git, desk, order.number, order.title, person=self._run.repository.person)
        self._release(desk, order.number, work.tree)
        return work

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
                env=self._env(order),
                timeout_s=order.timeout_s,
            )

    def compose(self, order: Compose) -> Composition | LandedAt | Conflict | Empty:
        with as_workspace_fault(f"merging {order.bead}"):
            self._fences.guard(self._run.target_ref)
            return self._begun().compose(order)

    def follow(self, order: Follow) -> Composition | Conflict | Empty:
        with as_workspace_fault(f"merging {self._base_branch}"):
            self._fences.guard(self._run.target_ref)
            return follow(self._git, self._run, self._begun().signing, order, short(self._base_branch))

    def base(self) -> Commit | None:
        if not self._base_branch:
            return None
        with as_workspace_fault(f"looking at {self._base_branch}"):
            found = stored(self._git, self._run.repository.place, self._base_branch)
            return found.commit if found else None

    def verify(self, order: Verify) -> CheckResult:
        with as_workspace_fault(f"checking the merged tree of {order.bead}"):
            return self._begun().verify(order)

    def drop(self, order: Verify) -> None:
        self._begun().stages.drop(order)

    def advance(self, order: Advance) -> bool:
        what = order.stops[-1].bead if order.stops else self._base_branch
        with as_workspace_fault(f"landing {what}"):
            self._fences.guard(self._run.target_ref)
            return self._begun().advance(order)

    def push(self, order: Push) -> Commit:
        if self._remote is None:
            raise WorkspaceFault(f"no remote was named when the run began: `{order.remote}` is not known")
        with as_workspace_fault(f"pushing to {self._remote.name}"):
            return push(self._git, self._run, self._remote, within_s=self._push_s)

    def propose(self, order: Propose, letter: Letter) -> Brought:
        if self._proposing is None:
            raise WorkspaceFault("no pull requests were asked for when the run began: start it again")
        with as_workspace_fault("opening a pull request"):
            order = order if order.base else replace(order, base=self._base_of_requests())
            return self._proposing.bring(order, letter)

    def landed(self, tasks: Mapping[BeadId, str]) -> Mapping[BeadId, Commit]:
        with as_workspace_fault("reading what has landed"):
            held = landings(
                self._git, self._run.repository.place, self._run.target, tip_of(self._git, self._run).commit
            )
            found = {refs.what_landed(ref.name): ref.commit for ref in held.values()}
            return {bead: found[bead, task] for bead, task in tasks.items() if (bead, task) in found}

    def close(self) -> None:
        self._runner.commands.close()
        # What cannot be removed keeps nothing else from being removed.
        with as_workspace_fault("removing what no bead needs any more"), ExitStack() as last_first:
            last_first.callback(self._git.residents.close)
            last_first.callback(self._empty_folders)
            last_first.callback(self._spares.remove_all)
            if self._landing is not None:
                last_first.callback(self._landing.stages.close)

    def _empty_folders(self) -> None:
        for folder in (self._run.folder, self._run.repository.state):
            worktrees.empty_trash(folder)
        if self._run.folder.is_dir() and not any(self._run.folder.iterdir()):
            self._run.folder.rmdir()

    def _furnished_by(self, git: Git) -> Furnishing:
        templates = Templates(git=git, folder=self._run.repository.state / TEMPLATES, dependencies=self._dependencies)
        return Furnishing(git=git, repository=self._run.repository, templates=templates)

    def _begun(self) -> Landing:
        if self._landing is None:
            raise WorkspaceFault("`start` comes first: the target is not known yet")
        return self._landing

    def _label(self, order: OpenSession) -> Label:
        return Label(run=self._run.name, bead=order.bead, number=order.number)

    def _env(self, order: OpenSession | Check) -> dict[str, str]:
        """What setup and checks find in their environment."""
        return {
            "ORCHESTRATOR_RUN": self._run.name,
            "ORCHESTRATOR_BEAD": order.bead,
            "ORCHESTRATOR_ATTEMPT": str(order.number),
            "ORCHESTRATOR_WORKER": order.worker,
            **berth(self._run.repository, self._run.name, order.worker),
        }


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
