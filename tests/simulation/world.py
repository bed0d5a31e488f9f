"""A night, played by dice: our process with its lightning, the shell, the world outside, and a person.

`World.run` plays one to its end and checks the invariants after every step. The same manifest and weather give the
same history, event by event.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from random import Random

from orchestrator.core import messages as m
from orchestrator.core.decide import advance, idle_and_paused
from orchestrator.core.model import (
    AgentName,
    Bead,
    BeadId,
    BeadState,
    Commit,
    Manifest,
    ProcessName,
    Room,
    RunState,
    Token,
)
from orchestrator.core.owed import owed
from orchestrator.core.state import State
from orchestrator.core.values import replace
from tests.simulation.agents import Agents, Deed, Session
from tests.simulation.graphs import Weather, file_from
from tests.simulation.invariants import AFTER_EVERY_STEP, AT_THE_END
from tests.simulation.invariants.beforehand import (
    a_car_boards_in_its_turn,
    a_collision_may_be_seen,
    a_session_may_be_given_up,
    a_worktree_may_be_kept,
    an_attempt_may_start,
    no_tree_is_checked_twice,
)
from tests.simulation.likeness import differences, twin
from tests.simulation.person import Person
from tests.simulation.repository import Repository
from tests.simulation.shell import Shell

BEGIN = 1000.0
STEPS = 400
"""Signals per bead after which a run that has not ended is stuck, once the world has healed."""


class World:
    def __init__(self, manifest: Manifest, weather: Weather) -> None:
        self.manifest, self.weather = manifest, weather
        self.dice = Random(weather.seed)
        self._other_dice = Random(weather.seed + 1)
        self.now = BEGIN
        self.heard_at = BEGIN
        self.steps = 0
        self.deaths = 0
        self.healed = False
        self.repository = Repository()
        self.agents = Agents(self.dice, weather, manifest.budget.bead_usd)
        self.sessions: list[Session] = []
        self.seen_target: list[tuple[BeadId, Commit]] = []
        self.refused: set[BeadId] = set()
        """Beads whose worktrees could not be cleared, to the end of a run."""
        self.full_until = 0.0
        """No worktree can be cleared until then."""
        self.stale: set[BeadId] = set()
        """Beads whose work did not merge: their next attempt needs a new base."""
        self.agent_of: dict[str, AgentName] = {}
        self.started: dict[str, list[float]] = {}
        """When sessions were started, by what their limits are counted against."""
        self.let_go: set[BeadId] = set()
        """Held beads that a person has let go."""
        planned = m.RunPlanned(at=BEGIN, manifest=manifest, target_base=Commit("base"), token=Token(7))
        self.log: list[m.Event] = [planned]
        self.state = State.replay(self.log)
        self.shadow = State.replay(self.log)
        self._shell: Shell | None = None
        self._epoch = 0
        self._happenings: list[tuple[float, int, int | None, Callable[[], None]]] = []
        self._count = 0
        self._heals_at = self.dice.randrange(20, 60 + 40 * len(manifest.beads))
        self._person = Person(self, self.dice)
        self._over = False

    # ------------------------------------------------------------ the night

    def run(self) -> list[m.Event]:
        """Its history. Raises `AssertionError` where something that must hold does not."""
        self.later(0.0, self._open)
        limit = self._heals_at + 500 + STEPS * len(self.manifest.beads)
        while not self._over:
            assert self.steps < limit, "it goes on for ever"
            if not self.healed and self.steps >= self._heals_at:
                self.healed = self.agents.healed = True
            self._happen()
        for holds in AT_THE_END:
            holds(self)
        assert not differences(State.replay(self.log), self.state), "the log does not give the state"
        return self.log

    def later(self, delay: float, act: Callable[[], None], epoch: int | None = None) -> None:
        """With an epoch it is ours, and happens only while that process lives."""
        self._count += 1
        heapq.heappush(self._happenings, (self.now + delay, self._count, epoch, act))

    def hear(self, signal: m.Signal) -> None:
        """The control loop: decide, commit, act; struck by lightning between any two of them."""
        self.steps += 1
        struck = self._lightning()
        self.heard_at = max(signal.at, self.state.latest)
        answers = isinstance(signal, m.Asked) and signal.verb in (m.Verb.RETRY, m.Verb.ANSWER)
        asked_of = signal.bead if isinstance(signal, m.Asked) and answers else None
        held = asked_of is not None and self.state.beads[asked_of].state is BeadState.HELD
        events = advance(self.state, signal)
        if struck == "before the commit":
            self._die()
            return
        if asked_of is not None and held:
            self.let_go.add(asked_of)
        for event in events:
            self._commit(event)
        for holds in AFTER_EVERY_STEP:
            holds(self)
        if struck:
            self._die()
            return
        assert self._shell is not None
        self._shell.perform(owed(self.state))
        if self.state.ended_at is not None or (self.state.swept and idle_and_paused(self.state)):
            self._leave()
        elif not self.healed and self.dice.randrange(1000) < self.weather.requests:
            self._person.asks()

    def hears(self, delay: float, signal: m.Signal) -> None:
        """This process of ours, if it lives until then."""
        self.later(delay, lambda: self.hear(signal), epoch=self._epoch)

    def let_live(self, session: Session) -> None:
        """It does what it does until it ends, also when nobody listens."""
        self.sessions = [each for each in self.sessions if each.alive] + [session]
        for deed in self.agents.will(session, self.now):
            self.later(deed.after, lambda deed=deed: self._does(session, deed))  # type: ignore[misc]

    def spoken_to(self, session: Session) -> None:
        """Something was typed into it; what it does then, it does once."""
        deeds, session.then = session.then, ()
        for deed in deeds:
            self.later(deed.after, lambda deed=deed: self._does(session, deed))  # type: ignore[misc]

    def manifest_of(self, bead: BeadId) -> Bead:
        return self.state.beads[bead].spec

    def out_of_money(self) -> bool:
        return self.state.run is RunState.PAUSED and self.state.run_reason.startswith("the budget")

    # ------------------------------------------------------------ one thing after another

    def _happen(self) -> None:
        due = self.state.deadlines.next() if self._shell is not None and self.state.swept else None
        while self._happenings and self._happenings[0][2] not in (None, self._epoch):
            heapq.heappop(self._happenings)
        if due is not None and (not self._happenings or due <= self._happenings[0][0]):
            self.now = max(self.now, due)
            self.hear(m.TimePassed(at=self.now))
            return
        assert self._happenings, "nothing will ever happen again"
        self.now, _, _, act = heapq.heappop(self._happenings)
        act()

    def _open(self) -> None:
        """A process of ours takes the run into its hands."""
        self._epoch += 1
        # The shadow is what the log gives, kept up to date: that it is, is seen at the first two starts and at the end.
        self.state = State.replay(self.log) if self._epoch <= 3 else twin(self.shadow)
        assert not differences(self.state, self.shadow), "the log does not give the state"
        self._shell = Shell(self, self._epoch)
        process = ProcessName(pid=self._epoch, started=self.now)
        self.hear(m.Opened(at=self.now, epoch=self._epoch, process=process, host="here"))
        for _ in range(0 if self.healed or self._shell is None else self.dice.randrange(3)):
            moves = self.dice.uniform(0.0, 3000.0)
            self.later(moves, self._move_base)
            self.later(moves + self.dice.choice((0.0, 500.0)), self._see_base, epoch=self._epoch)
        if self._shell is not None and not self.healed and self.dice.randrange(100) < self.weather.refusals:
            low = self.dice.uniform(0.0, 300.0)
            self._weigh(low, self.dice.choice((0, 2**29, 2**30, 2**31)))
            self._weigh(low + self.dice.uniform(1.0, 900.0), self.dice.choice((0, 2**30)))
            self._weigh(low + self.dice.uniform(1.0, 40.0), 2**40)
            self._weigh(low + 1000.0, 2**40)
            self._measure(low, 0)
            self._measure(low + self.dice.uniform(1.0, 900.0), 2**40)
            for passed in (
                m.StoreWaited(at=self.now, seconds=low, reason="no room"),
                m.TimeJumped(at=self.now, seconds=low),
            ):
                self.later(low, lambda passed=passed: self.hear(replace(passed, at=self.now)), epoch=self._epoch)  # type: ignore[misc]
        if self._shell is not None and self.dice.randrange(100) < self.weather.requests and not self.healed:
            self._person.asks()

    def _move_base(self) -> None:
        """Somebody commits to the branch that the target began on, and it is seen, now or much later."""
        self._count += 1
        self.repository.base = Commit(f"base{self._count}")

    def _see_base(self) -> None:
        self.hear(m.BaseSeen(at=self.now, commit=self.repository.base))

    def _weigh(self, delay: float, memory: int | None = None, load: float | None = None) -> None:
        """The machine has room for so much."""
        room = Room(cores=2, memory=memory, load=load)
        self.later(delay, lambda: self.hear(m.Sampled(at=self.now, samples=(), room=room)), epoch=self._epoch)

    def _measure(self, delay: float, free: int) -> None:
        self.later(delay, lambda: self.hear(m.DiskMeasured(at=self.now, free=free)), epoch=self._epoch)

    def _commit(self, event: m.Event) -> None:
        if isinstance(event, m.AttemptStarted):
            an_attempt_may_start(self, self.shadow, event)
            self.agent_of[f"s{event.token}"] = self.shadow.traits_of(event.route).name
            self.stale.discard(event.bead)
        if isinstance(event, m.CollisionSeen):
            a_collision_may_be_seen(self.shadow, event)
        if isinstance(event, m.SessionGivenUp):
            a_session_may_be_given_up(self.shadow, event)
        if isinstance(event, m.BeadReturned) and self.shadow.beads[event.bead].state is BeadState.MERGING:
            self.stale.add(event.bead)
        if isinstance(event, m.BeadQueued) and self.shadow.merging:
            self._weigh(0.0, load=self.dice.choice((0.5, 9.0)))
        if isinstance(event, m.CarComposed | m.CarSetAside):
            a_car_boards_in_its_turn(self.shadow, event)
        if isinstance(event, m.CarChecked):
            no_tree_is_checked_twice(self.shadow, event)
        if isinstance(event, m.BeadCleared) and event.fault:
            a_worktree_may_be_kept(self.shadow, event)
            self.refused.add(event.bead)
        elif isinstance(event, m.BeadReopened | m.BeadReadied | m.BeadCleared):
            self.refused.discard(event.bead)
        assert event.at >= self.shadow.latest, "time runs backwards"
        self.log.append(event)
        self.shadow.apply(event)
        if isinstance(event, m.RequestAnswered):
            self._answered(event.request)

    def _does(self, session: Session, deed: Deed) -> None:
        if not session.alive:
            return
        if session.waits_for is not None or session.halted:
            session.put_off.append(deed)
            return
        if deed.asks is not None and self._shell is not None:
            session.waits_for = deed.asks.request
            self._shell.heard(session, replace(deed.asks, at=self.now))
        if deed.writes:
            self._count += 1
            self.repository.write(session.order.bead, self._count)
        if deed.files and self._shell is not None:
            strayed = self.repository.strayed.setdefault(session.order.bead, set())
            strayed.update(deed.files)
            if self.dice.random() < 0.7:  # else it is not looked at before the work is collected
                files = tuple(sorted(strayed))
                self._shell.heard(session, m.Touched(at=self.now, token=session.token, files=files))
        if deed.says is not None and self._shell is not None:
            self._shell.heard(session, deed.says(self.now))
        if deed.collides and self._shell is not None:
            self._shell.heard(session, self._collision(session))
        if deed.verdict is not None:
            session.alive = False
            if self._shell is not None:
                self._shell.heard_end(session, deed.verdict)

    def _collision(self, session: Session) -> m.Collided:
        """With the target, or with any who was ever at work beside it: news come late."""
        dice = self._other_dice
        beside = [each for each in self.sessions if each.order.bead != session.order.bead]
        other = dice.choice(beside) if beside and dice.random() < 0.8 else None
        files = {file_from(dice.randint) for _ in range(dice.randint(1, 2))}
        pair = (session, other) if dice.random() < 0.5 or other is None else (other, session)
        tokens = [each.token if each is not None else None for each in pair]
        assert tokens[0] is not None
        commits = [Commit(f"p{token}") if token else self.repository.tip for token in tokens]
        return m.Collided(
            at=self.now, token=tokens[0], commit=commits[0], other=tokens[1], against=commits[1],
            paths=tuple(sorted(files)),
        )  # fmt: skip

    def _answered(self, request: int) -> None:
        """Who waited for it goes on with what it had put off."""
        for session in self.sessions:
            if session.waits_for == request:
                session.waits_for = None
                self.goes_on(session)

    def goes_on(self, session: Session) -> None:
        put_off, session.put_off = session.put_off, []
        for deed in put_off:
            self.later(0.001, partial(self._does, session, deed))

    # ------------------------------------------------------------ ends

    def _lightning(self) -> str:
        if self.healed or self.dice.randrange(1000) >= self.weather.lightning:
            return ""
        return self.dice.choice(("before the commit", "after the commit"))

    def _die(self) -> None:
        """What is not in the log is forgotten; what lives on, lives on."""
        self.deaths += 1
        self._gone()
        self.later(self.dice.choice((0.0, 3.0, 600.0)), self._open)

    def _leave(self) -> None:
        """The run has ended, or is paused with nothing under way; a person starts it again, or lets it be."""
        self._gone()
        finished = self.state.run is RunState.FINISHED or self.out_of_money()
        self._over = finished and (self.healed or self.dice.random() < 0.8)
        self.later(self.dice.choice((0.0, 5000.0)), self._open)

    def _gone(self) -> None:
        self._shell = None
        self._epoch += 1
