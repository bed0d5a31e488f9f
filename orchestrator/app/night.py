"""One process's part of a run: what it is made of, and the order in which it begins and ends.

Heavy imports are local to what needs them, or wait until the first agents start.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.app.alerting import FollowedAlerts, alerts
from orchestrator.app.clock import SystemClock
from orchestrator.app.loading import budget_of, load_for, prepared, workspace_of
from orchestrator.app.orders import Order, Outcome, Refused
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Guess, RunState
from orchestrator.core.state import State
from orchestrator.core.values import replace
from orchestrator.runtime.confinement import Walls
from orchestrator.runtime.loop import ControlLoop, Inbox
from orchestrator.runtime.ports import Letter, Listener, Marks
from orchestrator.runtime.pulse import Pulse

if TYPE_CHECKING:
    from orchestrator.agents.catalog import Catalog
    from orchestrator.manifest import Loaded
    from orchestrator.repo.foresight import GitForesight
    from orchestrator.repo.repository import Repository
    from orchestrator.store import Database, RunRow, RunStore


def run(order: Order, watch: Callable[[State], Listener]) -> Outcome:
    """A run from its manifest to its report. `watch` makes the listener that shows it.

    Raises `ManifestFaults`, `RepositoryFault`, `StoreFault` and `Refused` before anything is touched; `StoreFault`
    and `Broken` later, when the state is safe and the run can be taken up again.
    """
    return carried_out(*prepared(order), watch)


def carried_out(
    order: Order, loaded: Loaded, catalog: Catalog, repository: Repository, watch: Callable[[State], Listener]
) -> Outcome:
    """`run`, of what is prepared. Raises `StoreFault` and `Broken`."""
    from orchestrator.store import Database

    database = Database.write(repository.state)
    try:
        return _Night(order, loaded, catalog, repository, database).run(watch)
    finally:
        database.close()


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
        self._looked: Future[None] | None = None
        """The look at what is the person's, once it has begun."""
        self._outcome: Callable[[State], Outcome] | None = None
        """Loaded with the log, while the first agents start: at the end, somebody waits for it."""
        self._clock = SystemClock()
        self._marks = marks = Marks(repository=str(repository.state))
        self._sessions = PtySessions(
            marks,
            repository.state / "recordings",
            self._clock,
            most_recorded=self._manifest.policy.recordings,
        )
        self._agents = ProgramAgents(catalog, self._manifest.name, os.environ)
        self._commands = ShellCommands(marks)
        self._workspaces = GitWorkspaces(
            repository=repository,
            run_name=self._manifest.name,
            target=self._manifest.target,
            base=self._manifest.base,
            worktrees=worktrees_folder(repository, workspace_of(loaded.source), order.worktrees),
            commands=self._commands,
            logs=repository.state / "logs" / "checks",
            setup=self._manifest.setup,
            dependencies=loaded.dependencies,
            setup_timeout_s=self._manifest.policy.check_timeout_s,
            recordings=repository.state / "recordings",
            can_wall=_can_wall,
            workers=self._manifest.policy.workers,
            push_to=self._manifest.policy.push_to,
            requests=self._manifest.policy.requests,
            follow_base=self._manifest.policy.follow_base,
            surroundings=os.environ,
            before_work=self._has_looked,
        )

    def _has_looked(self) -> None:
        if self._looked is not None:
            self._looked.result()

    def run(self, watch: Callable[[State], Listener]) -> Outcome:
        from orchestrator.repo import lfs
        from orchestrator.runtime.lanes import Lanes
        from orchestrator.sessions.host import room
        from orchestrator.sessions.processes import named
        from orchestrator.sessions.vitals import host as measured_host
        from orchestrator.store.samples import keep

        if warning := lfs.warning(self._repository):
            _say(warning)
        process, host, now = named(os.getpid()), socket.gethostname(), self._clock.now()
        assert process is not None  # we are here
        store, state = self._taken_up()
        self._workspaces.go_by(state.base_branch)
        self._clock.go_on_from(state.latest)
        epoch = self._database.take(process, host, now, self._manifest.name)
        inbox = Inbox()
        lanes = Lanes(
            workspaces=self._workspaces,
            predictor=_Predictor(self._repository, self._manifest.target, self._manifest.base),
            commands=self._commands,
            sessions=self._sessions,
            agents=self._agents,
            clock=self._clock,
            policy=self._manifest.policy,
            emit=inbox.put,
            fail=inbox.fail,
            describe=lambda order: _letter(state, order),
        )
        pulse = Pulse(
            self._sessions.measure,
            measured_host,
            room,
            keep=lambda told: keep(self._repository.state, told),
            clock=self._clock,
            emit=inbox.put,
            broke=inbox.fail,
            also=lanes.look_at_base,
        )
        past = () if self._fresh or not self._loaded.alerts.get("to") else tuple(store.events())
        listeners = [
            _Late(lambda: self._log(state)),
            _Late(lambda: watch(state)),
            _Late(lambda: self._alerts(state, past)),
        ]
        loop = ControlLoop(
            state=state,
            store=store,
            lanes=lanes,
            inbox=inbox,
            clock=self._clock,
            listeners=tuple(listeners),
            free_disk=self._free_disk,
            say=_say,
        )
        try:
            with _interruptible(inbox, self._clock):
                loop.run(epoch=epoch, process=process, host=host, terms=self._terms())
        finally:
            pulse.close()
            lanes.close()
            for listener in listeners:
                listener.close()
        self._has_looked()
        assert self._outcome is not None  # with the log: a run that is over was opened
        return self._outcome(state)

    def _free_disk(self) -> int:
        """Bytes, where state and worktrees are; what cannot be measured is not low."""
        places = (self._repository.state, self._workspaces.folder)
        free = []
        for place in places:
            there = next(each for each in (place, *place.parents) if each.exists())
            with suppress(OSError):
                free.append(shutil.disk_usage(there).free)
        return min(free, default=2**62)

    def _terms(self) -> m.Terms:
        from orchestrator.sessions.host import room

        return m.Terms(
            policy=replace(self._manifest.policy, heed_host=not self._order.force),
            needs=self._database.needs(),
            room=room(),
            budget=budget_of(self._order, self._loaded),
            token=self._database.token(),
            numbers=self._database.numbers(),
            options=self._order.options,
        )

    def _log(self, state: State) -> Listener:
        from orchestrator.app.closing import outcome
        from orchestrator.sessions.redaction import hiding
        from orchestrator.views.logs import RunLog

        live = tuple(state.attempts.values())
        log = RunLog(
            self._repository.state / "logs",
            self._manifest.name,
            attempts=live,
            redact=hiding(os.environ),
            pack=self._manifest.policy.pack_logs,
        )
        for event in self._fresh:
            log.heard(event)
        self._outcome = partial(outcome, self._repository, self._database, self._manifest.name)
        return log

    def _alerts(self, state: State, past: tuple[m.Event, ...]) -> Listener:
        logs = self._repository.state / "logs"

        def made(table: Mapping[str, Any]) -> Listener:
            return alerts(table, state, past, logs, self._marks)

        return FollowedAlerts(self._loaded.alerts, made, lambda: load_for(self._order)[0].alerts)

    def _taken_up(self) -> tuple[RunStore, State]:
        """The run of this name as it stands, or a new one. Raises `Refused` where the manifest is another by now."""
        from orchestrator.store import digest

        name, wanted = self._manifest.name, digest(self._manifest)
        row = self._database.newest(name)
        over = row is None or row.state == RunState.FINISHED
        if row is not None and row.digest != wanted and not over and not self._order.fresh:
            raise Refused(
                f"run {name!r} is not finished, and its manifest (or `--agent`) has changed since it began. Take the "
                f"change in with `orchestrator apply {shlex.quote(str(self._order.manifest))}`, which shows what it "
                "changes; or run it as it was; or begin anew with `--fresh`: what has landed stays landed and is not "
                "done again"
            )
        if row is not None and row.digest == wanted and not self._order.fresh:
            self._workspaces.start(begins=False)
            store = self._database.resume(row.id)
            state = State.replay(store.events())
            if not any(record.attempts for record in state.beads.values()):  # it may have died before it had looked
                self._look_at_what_is_the_persons()
            return store, state
        return self._begun(row, wanted)

    def _begun(self, before: RunRow | None, wanted: str) -> tuple[RunStore, State]:
        from orchestrator.store import task

        self._look_at_what_is_the_persons()
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
            base_branch=self._workspaces.base_branch,
        )
        store = self._database.begin(planned, wanted)
        self._fresh = (planned,)
        return store, State(planned)

    def _look_at_what_is_the_persons(self) -> None:
        """Beside the rest of the start: a large checkout takes a while. No agent gets a worktree before it is kept."""
        from orchestrator.repo.fingerprint import fingerprint, keep

        repository, name = self._repository, self._manifest.name
        targets = self._database.targets() | {self._manifest.target}

        def look() -> None:
            keep(repository, name, fingerprint(repository, targets))

        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fingerprint")
        self._looked = pool.submit(look)
        pool.shutdown(wait=False)

    def _retire(self, before: RunRow) -> None:
        """Keep what an older run of this name left in its worktrees, and free their places."""
        old = State.replay(self._database.events_of(before.id))
        self._sessions.sweep()
        for bead, record in old.beads.items():
            if record.occupies:
                done = record.state is BeadState.DONE
                self._workspaces.clear(m.Clear(bead=bead, number=record.number, landed=done))


def _letter(state: State, order: m.Propose) -> Letter:
    from orchestrator.views.pull_requests import letter

    return letter(state, order)


class _Predictor:
    """Imports what it needs when something is to be predicted: most of it is needed by nothing else."""

    def __init__(self, repository: Repository, target: str, base: str | None) -> None:
        self._of = (repository, target, base)
        self._made: GitForesight | None = None

    def foresee(self, order: m.Foresee) -> tuple[tuple[BeadId, tuple[Guess, ...]], ...]:
        if self._made is None:
            from orchestrator.repo.foresight import GitForesight

            self._made = GitForesight(*self._of)
        return self._made.foresee(order)


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


def _say(words: str) -> None:
    """To whoever sits there; nobody may."""
    with suppress(OSError, ValueError):
        print(f"orchestrator: {words}", file=sys.stderr, flush=True)


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


def _can_wall(walls: Walls) -> bool:
    from orchestrator.sessions.walls import why_not

    return not why_not(walls)
