"""The composition root: the only file that names concrete classes, and puts them together.

Knows the order in which a run is begun, so that whatever is at fault is said before anything is touched. Heavy
imports are local to what needs them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, RunState
from orchestrator.core.state import State
from orchestrator.runtime.loop import ControlLoop, Inbox
from orchestrator.runtime.ports import Listener, Marks

if TYPE_CHECKING:
    from orchestrator.agents.catalog import Catalog
    from orchestrator.manifest import Loaded, Overrides
    from orchestrator.repo.repository import Repository
    from orchestrator.runtime.ports import Holder
    from orchestrator.runtime.proof import Evidence, Finding
    from orchestrator.store import Database, RunRow, RunStore


class Exit(IntEnum):
    """What `run` ends with."""

    DONE = 0
    UNDONE = 1
    AT_FAULT = 2
    PAUSED = 3
    NOTHING_STARTED = 4
    INTERRUPTED = 130


class Refused(Exception):
    """What was asked for cannot be done: the message says why and what to do. Nothing was touched."""

    def __init__(self, message: str, code: Exit = Exit.AT_FAULT) -> None:
        super().__init__(message)
        self.code = code


class SystemClock:
    def now(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What `run` was told."""

    manifest: Path
    repo: Path | None = None
    worktrees: Path | None = None
    workers: int | None = None
    agent: str | None = None
    fresh: bool = False

    @property
    def options(self) -> dict[str, str]:
        """What whoever goes on with the run need not say again."""
        given = {"worktrees": self.worktrees and self.worktrees.resolve(), "workers": self.workers, "agent": self.agent}
        return {name: str(value) for name, value in given.items() if value is not None}

    def completed(self, said: Mapping[str, str]) -> Order:
        """With what was said before, where this order is silent."""
        return replace(
            self,
            worktrees=self.worktrees or (Path(said["worktrees"]) if "worktrees" in said else None),
            workers=self.workers or (int(said["workers"]) if "workers" in said else None),
            agent=self.agent or said.get("agent"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    state: State
    findings: tuple[Finding, ...]
    report: str
    """Where it is, or why it is not there."""
    code: Exit


# ---------------------------------------------------------------- reading


def load(path: Path, overrides: Overrides | None = None, *, require_routes: bool = True) -> tuple[Loaded, Catalog]:
    """A manifest and the agents that it may use. Raises `ManifestFaults`."""
    from orchestrator.agents.catalog import Catalog
    from orchestrator.manifest import Overrides, load

    loaded = load(
        path,
        agents=Catalog({}, path.parent),
        overrides=overrides or Overrides(),
        now=datetime.now(UTC),
        require_routes=require_routes,
    )
    return loaded, Catalog(loaded.agents, *loaded.folders)


def load_for(order: Order) -> tuple[Loaded, Catalog]:
    """The manifest of an order, with what the command line says over it. Raises `ManifestFaults`."""
    from orchestrator.manifest import Overrides

    return load(order.manifest, Overrides(workers=order.workers, agent=order.agent, repo=order.repo))


def repository_of(loaded: Loaded) -> Repository:
    """The one that the manifest names, else the one that it lies in. Raises `RepositoryFault`."""
    from orchestrator.repo.repository import open_repository

    return open_repository(loaded.repo or loaded.source.parent)


def holder(repository: Repository) -> Holder | None:
    """Who is at work on a repository."""
    from orchestrator.store import Database

    try:
        database = Database.read(repository.state)
    except FileNotFoundError:
        return None
    try:
        return database.holder()
    finally:
        database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A repository's newest run, as it stands in the database. Read-only."""

    repository: Repository
    database: Database
    row: RunRow
    state: State
    events: tuple[m.Event, ...]


@contextmanager
def reading(repo: Path, run: str | None = None) -> Iterator[Reading]:
    """Raises `Refused` where nothing has run yet, and `RepositoryFault` and `StoreFault`."""
    from orchestrator.repo.repository import open_repository
    from orchestrator.store import Database

    repository = open_repository(repo)
    try:
        database = Database.read(repository.state)
    except FileNotFoundError:
        raise Refused(f"nothing has run on {repo} yet: `orchestrator run MANIFEST` begins") from None
    try:
        row = database.newest(run)
        if row is None:
            known = f"no run is named {run!r}" if run else "no run has begun"
            raise Refused(f"{known} on {repo}: `orchestrator run MANIFEST` begins one")
        events = tuple(database.events_of(row.id))
        yield Reading(repository=repository, database=database, row=row, state=State.replay(events), events=events)
    finally:
        database.close()


def prove(read: Reading, *, own: bool = False) -> list[Finding]:
    """Hold a run's claims against git and the process table. `own`: the writer is this process, and about to leave."""
    from orchestrator.runtime.proof import prove

    return prove(read.state, _evidence(read, own=own))


def _evidence(read: Reading, *, own: bool) -> Evidence:
    from orchestrator.repo import survey
    from orchestrator.repo.verification import Verified
    from orchestrator.runtime.proof import Evidence, Shown
    from orchestrator.sessions.processes import Census, command_of

    state, repository = read.state, read.repository
    manifest = state.manifest
    passed = Verified(repository.state / "verified.jsonl")
    on_target = survey.target_commits(repository, manifest.target, state.target_base)
    ours = survey.landings(repository, manifest.target)
    saved = [(event.bead, event.saved) for event in read.events if isinstance(event, m.AttemptEnded) and event.saved]
    lost = survey.unreachable(repository, [commit for _, commit in saved])
    mark = str(repository.state)
    marked = Census().table(newer_than=0).marked(mark, older=True)
    holder = None if own else read.database.holder()
    return Evidence(
        target=manifest.target,
        landed=tuple(
            Shown(commit=each.commit, tree=each.tree, what=ours.get(each.commit), subject=each.subject)
            for each in on_target
        ),
        verified=frozenset(
            bead
            for bead, record in state.beads.items()
            if record.tree is not None and passed.has(record.tree, record.checks)
        ),
        unreachable=tuple((bead, commit) for bead, commit in saved if commit in lost),
        worktrees=tuple(
            str(each.path)
            for each in survey.own_worktrees(repository)
            if each.label is None or each.label.run == manifest.name
        ),
        processes=tuple(f"{row.pid} {command_of(row.pid)}" for rows in marked.values() for row in rows),
        leases=read.database.leases(read.row.id),
        writer=f"pid {holder.process.pid} on {holder.host}" if holder else "",
    )


# ---------------------------------------------------------------- running


def run(order: Order, watch: Callable[[State], Listener]) -> Outcome:
    """A run from its manifest to its report. `watch` makes the listener that shows it.

    Raises `ManifestFaults`, `RepositoryFault`, `StoreFault` and `Refused` before anything is touched; `StoreFault`
    and `Broken` later, when the state is safe and the run can be taken up again.
    """
    from orchestrator.store import Database

    order, loaded, catalog, repository = prepared(order)
    database = Database.write(repository.state)
    try:
        return _Night(order, loaded, catalog, repository, database).run(watch)
    finally:
        database.close()


def prepared(order: Order) -> tuple[Order, Loaded, Catalog, Repository]:
    """What `run` needs before it touches anything: the order, with what the run was told before where it is silent now.

    Raises `ManifestFaults`, `RepositoryFault`, `StoreFault` and `Refused`.
    """
    from orchestrator.store import Database

    loaded, catalog = load_for(order)
    repository = repository_of(loaded)
    if not order.fresh:
        try:
            database = Database.read(repository.state)
        except FileNotFoundError:
            said = {}
        else:
            row = database.newest(loaded.manifest.name)
            said = database.options(row.id) if row is not None and row.state != RunState.FINISHED else {}
            database.close()
        if said:
            order = order.completed(said)
            loaded, catalog = load_for(order)
    _refuse_without_agents(loaded, catalog)
    return order, loaded, catalog, repository


class _Night:
    """One process's part of a run: what it is made of, and the order in which it begins and ends."""

    def __init__(
        self, order: Order, loaded: Loaded, catalog: Catalog, repository: Repository, database: Database
    ) -> None:
        from orchestrator.agents.programs import ProgramAgents
        from orchestrator.repo.repository import worktrees_folder
        from orchestrator.repo.workspaces import GitWorkspaces
        from orchestrator.sessions.commands import ShellCommands
        from orchestrator.sessions.sessions import PtySessions

        self._order, self._loaded, self._repository, self._database = order, loaded, repository, database
        self._manifest = loaded.manifest
        self._fresh: tuple[m.Event, ...] = ()
        """What was committed before anybody listened."""
        self._clock = SystemClock()
        marks = Marks(repository=str(repository.state))
        self._sessions = PtySessions(marks, repository.state / "recordings", self._clock)
        self._agents = ProgramAgents(catalog, self._manifest.name, os.environ)
        self._commands = ShellCommands(marks)
        self._workspaces = GitWorkspaces(
            repository=repository,
            run_name=self._manifest.name,
            target=self._manifest.target,
            base=self._manifest.base,
            worktrees=worktrees_folder(repository, _workspace(loaded.source), order.worktrees),
            commands=self._commands,
            logs=repository.state / "logs" / "checks",
            setup=self._manifest.setup,
            setup_timeout_s=self._manifest.policy.check_timeout_s,
        )

    def run(self, watch: Callable[[State], Listener]) -> Outcome:
        from orchestrator.runtime.lanes import Lanes
        from orchestrator.sessions.processes import named

        process, host, now = named(os.getpid()), socket.gethostname(), self._clock.now()
        assert process is not None  # we are here
        store, state = self._taken_up()
        epoch = self._database.take(process, host, now, self._manifest.name)
        inbox = Inbox()
        lanes = Lanes(
            workspaces=self._workspaces,
            commands=self._commands,
            sessions=self._sessions,
            agents=self._agents,
            clock=self._clock,
            policy=self._manifest.policy,
            emit=inbox.put,
            fail=inbox.fail,
        )
        listeners = (_Late(lambda: self._log(state)), _Late(lambda: watch(state)))
        loop = ControlLoop(state=state, store=store, lanes=lanes, inbox=inbox, clock=self._clock, listeners=listeners)
        try:
            with _interruptible(inbox, self._clock):
                loop.run(epoch=epoch, process=process, host=host, terms=self._terms())
        finally:
            lanes.close()
            for listener in listeners:
                listener.close()
        return self._told(state)

    def _terms(self) -> m.Terms:
        return m.Terms(
            policy=self._manifest.policy,
            budget=self._manifest.budget,
            token=self._database.token(),
            numbers=self._database.numbers(),
            options=self._order.options,
        )

    def _log(self, state: State) -> Listener:
        import orchestrator.repo.survey
        import orchestrator.views.report  # noqa: F401 - needed at the end: loaded now, while the first agents start
        from orchestrator.sessions.redaction import hiding
        from orchestrator.views.logs import RunLog

        live = tuple(state.attempts.values())
        log = RunLog(self._repository.state / "logs", self._manifest.name, attempts=live, redact=hiding(os.environ))
        for event in self._fresh:
            log.heard(event)
        return log

    def _taken_up(self) -> tuple[RunStore, State]:
        """The run of this name as it stands, or a new one. Raises `Refused` where the manifest is another by now."""
        from orchestrator.store import digest

        name, wanted = self._manifest.name, digest(self._manifest)
        row = self._database.newest(name)
        over = row is None or row.state == RunState.FINISHED
        if row is not None and row.digest != wanted and not over and not self._order.fresh:
            raise Refused(
                f"run {name!r} is not finished, and its manifest (or `--agent`) has changed since it began. Run it as "
                "it was, or begin anew with `--fresh`: what has landed stays landed and is not done again"
            )
        if row is not None and row.digest == wanted and not self._order.fresh:
            self._workspaces.start()
            store = self._database.resume(row.id)
            return store, State.replay(store.events())
        return self._begun(row, wanted)

    def _begun(self, before: RunRow | None, wanted: str) -> tuple[RunStore, State]:
        from orchestrator.store import task

        self._workspaces.start()
        tasks = {bead.id: task(bead) for bead in self._manifest.beads}
        if before is not None:
            self._retire(before)
        planned = m.RunPlanned(
            at=self._clock.now(),
            manifest=self._manifest,
            target_base=self._workspaces.began_at,
            numbers=self._database.numbers(),
            token=self._database.token(),
            landed=dict(self._workspaces.landed(tasks)),
            tasks=tasks,
            source=str(self._loaded.source),
        )
        store = self._database.begin(planned, wanted)
        self._fresh = (planned,)
        return store, State(planned)

    def _retire(self, before: RunRow) -> None:
        """Keep what an older run of this name left in its worktrees, and free their places."""
        old = State.replay(self._database.events_of(before.id))
        self._sessions.sweep()
        for bead, record in old.beads.items():
            if record.occupies:
                done = record.state is BeadState.DONE
                self._workspaces.clear(m.Clear(bead=bead, number=record.number, landed=done))

    def _told(self, state: State) -> Outcome:
        """The proof and the report, from what is on disk now."""
        from orchestrator.views.report import as_markdown, report

        row = self._database.newest(self._manifest.name)
        assert row is not None  # it has just been written
        events = tuple(self._database.events_of(row.id))
        read = Reading(repository=self._repository, database=self._database, row=row, state=state, events=events)
        findings = tuple(prove(read, own=True))
        text = as_markdown(report(state, events, findings))
        path = self._repository.state / "reports" / f"{self._manifest.name}.md"
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as fault:  # the night is over and counted; only its paper is missing
            said = f"the report could not be written to {path}: {fault}; `orchestrator report` shows it"
        else:
            said = f"report: {path}"
        return Outcome(state=state, findings=findings, report=said, code=exit_code(state))


class _Late:
    """A listener that is made when there is something to hear: its imports run while the first agents start."""

    def __init__(self, make: Callable[[], Listener]) -> None:
        self._make = make
        self._made: Listener | None = None

    def heard(self, event: m.Event) -> None:
        if self._made is None:
            self._made = self._make()
        self._made.heard(event)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


def exit_code(state: State) -> Exit:
    """What a run's end means to whoever started it."""
    done = all(record.state is BeadState.DONE for record in state.beads.values())
    match state.run:
        case RunState.FINISHED if done:
            return Exit.DONE
        case RunState.PAUSED:
            return Exit.PAUSED
        case RunState.STOPPED if state.stopping is not None and state.stopping.asked:
            return Exit.INTERRUPTED
        case _ if not state.ever_started and any(record.attempts for record in state.beads.values()):
            return Exit.NOTHING_STARTED
    return Exit.UNDONE


@contextmanager
def _interruptible(inbox: Inbox, clock: SystemClock) -> Iterator[None]:
    """`^C` and SIGTERM once: an orderly stop; twice: at once. A terminal that goes away ends nothing."""
    asked: list[int] = []

    def stop(number: int, frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt
        by = "^C" if number == signal.SIGINT else signal.Signals(number).name
        inbox.put(m.Asked(at=clock.now(), verb=m.Verb.STOP, by=by))

    def stay(number: int, frame: object) -> None:
        """Not SIG_IGN: agents would inherit that, and live on when their terminal is closed."""

    before = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGINT, stop), (signal.SIGTERM, stop), (signal.SIGHUP, stay))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _workspace(source: Path) -> Path:
    """The folder that holds `tasks/` and `worktrees/`; for a manifest elsewhere, its own folder."""
    return source.parent.parent if source.parent.name == "tasks" else source.parent


def _refuse_without_agents(loaded: Loaded, catalog: Catalog) -> None:
    """Raises `Refused` where the program of every route is missing; some missing ones are the chain's business."""
    missing = {}
    wanted = {route for bead in loaded.manifest.beads for route in bead.routes}
    for route in sorted(wanted):
        agent = route.partition(":")[0]
        if catalog.found(agent) is None:
            program = catalog.profile(agent).command.program.fill({})
            missing[route] = f"its program `{program}` is not installed, or not on PATH"
    if wanted and len(missing) == len(wanted):
        each = "\n".join(f"  {route}: {why}" for route, why in missing.items())
        raise Refused(f"no agent can be started:\n{each}\n`orchestrator doctor` shows more", Exit.NOTHING_STARTED)


# ---------------------------------------------------------------- the machine


def examine(repo: Path) -> dict[str, Any]:
    """What this machine has that a run needs: git, the repository, agent programs."""
    from orchestrator.agents.catalog import Catalog
    from orchestrator.repo.faults import RepositoryFault
    from orchestrator.repo.repository import open_repository, worktrees_folder

    machine: list[dict[str, Any]] = []
    python = ".".join(map(str, sys.version_info[:3]))
    machine.append({"what": "Python", "found": python, "ok": sys.version_info >= (3, 11)})
    try:
        repository = open_repository(repo)
    except RepositoryFault as fault:
        machine.append({"what": "repository", "found": str(fault), "ok": False})
    else:
        git = ".".join(map(str, repository.git_version))
        folder = worktrees_folder(repository, None, None)
        free = shutil.disk_usage(repository.common_dir).free / 2**30
        at_work = holder(repository)
        machine += [
            {"what": "git", "found": git, "ok": True},
            {"what": "repository", "found": str(repository.checkout or repository.common_dir), "ok": True},
            {"what": "worktrees would be made in", "found": str(folder), "ok": os.access(folder.parent, os.W_OK)},
            {"what": "free disk", "found": f"{free:.1f} GiB", "ok": free > 1},
            {"what": "at work", "found": f"pid {at_work.process.pid}" if at_work else "nobody", "ok": True},
        ]
    catalog = Catalog({}, repo)
    agents = []
    for name in catalog.names():
        found = catalog.found(name)
        hint = catalog.profile(name).install
        agents.append({"name": name, "found": str(found) if found else None, "hint": hint or "not installed"})
    return {"machine": machine, "agents": agents}


def clean(repo: Path, *, really: bool) -> Iterator[str]:
    """Remove our worktrees where nobody is at work, after keeping what they hold; says each."""
    from orchestrator.repo import survey
    from orchestrator.repo.repository import open_repository
    from orchestrator.repo.workspaces import GitWorkspaces
    from orchestrator.sessions.commands import ShellCommands
    from orchestrator.sessions.sessions import PtySessions
    from orchestrator.store import Database

    repository = open_repository(repo)
    if not really:
        for worktree in survey.own_worktrees(repository):
            yield f"would keep what is in {worktree.path} in the attic, and remove it"
        return
    database = Database.write(repository.state)
    try:
        marks = Marks(repository=str(repository.state))
        PtySessions(marks, repository.state / "recordings", SystemClock()).sweep()
        for worktree in survey.own_worktrees(repository):
            label = worktree.label
            row = database.newest(label.run) if label else None
            if label is None or row is None or not label.bead:
                yield f"left alone, because no run knows it: {worktree.path}"
                continue
            state = State.replay(database.events_of(row.id))
            record = state.beads.get(BeadId(label.bead))
            workspaces = GitWorkspaces(
                repository=repository,
                run_name=label.run,
                target=state.manifest.target,
                base=state.manifest.base,
                worktrees=worktree.path.parent.parent,
                commands=ShellCommands(marks),
                logs=repository.state / "logs" / "checks",
            )
            workspaces.start()
            landed = record is not None and record.state is BeadState.DONE
            workspaces.clear(m.Clear(bead=BeadId(label.bead), number=label.number, landed=landed))
            yield f"kept in the attic, and removed: {worktree.path}"
    finally:
        database.close()
