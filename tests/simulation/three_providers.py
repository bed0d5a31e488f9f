"""A night with three providers whose availability is known beforehand, and the best that anybody could make of it.

One is limited twice and says until when, one is away for a third of the time and does not say, one is slow. Beads are
alike, and work that is cut off is gone on with: so what an optimal schedule lands by a time can be counted. Time is a
fake clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from orchestrator.core import messages as m
from orchestrator.core.decide import advance
from orchestrator.core.model import (
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    Commit,
    Ending,
    Limit,
    Manifest,
    Policy,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    Verdict,
)
from orchestrator.core.owed import owed
from orchestrator.core.state import State

BEADS = 60
SLOTS = 2
"""Sessions that each provider lets run at once."""
START_S = 2.0
ME = ProcessName(pid=1, started=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    name: str
    each_s: float
    """A bead's work takes so long."""
    away: tuple[tuple[float, float], ...] = ()
    limited: bool = False
    """It names the time at which it is back; else it is not to be reached."""

    def back_at(self, at: float) -> float | None:
        """When it is back; None: it is there."""
        return next((end for begin, end in self.away if begin <= at < end), None)

    def leaves_at(self, at: float) -> float:
        return min((begin for begin, _ in self.away if begin > at), default=float("inf"))

    def available_s(self, until: float) -> float:
        return until - sum(max(min(end, until) - begin, 0.0) for begin, end in self.away if begin < until)


def providers(dice: Random) -> tuple[Provider, ...]:
    """The same kinds of night, at other times of it."""
    first, second = dice.uniform(1200.0, 3000.0), dice.uniform(5400.0, 7200.0)
    limits = ((first, first + dice.uniform(1200.0, 2400.0)), (second, second + dice.uniform(1200.0, 2400.0)))
    period = dice.uniform(2400.0, 5400.0)
    outages = tuple((n * period + period * 0.4, n * period + period * (0.4 + 1 / 3)) for n in range(12))
    return (
        Provider(name="limited", each_s=600.0, away=limits, limited=True),
        Provider(name="flaky", each_s=600.0, away=outages),
        Provider(name="slow", each_s=1200.0),
    )


def optimum_s(of: tuple[Provider, ...]) -> float:
    """The earliest time by which the slots of all providers can have done all beads, each bead on one slot."""

    def done(until: float) -> int:
        return sum(SLOTS * int((each.available_s(until) + 1e-9) // each.each_s) for each in of)

    low, high = 0.0, 1e6
    while high - low > 0.5:
        middle = (low + high) / 2.0
        low, high = (low, middle) if done(middle) >= BEADS else (middle, high)
    return high


class ThreeProviders:
    """Plays the night; `dies_at`: our process is gone then, and begins anew a minute later."""

    def __init__(
        self,
        of: tuple[Provider, ...],
        dies_at: float | None = None,
        *,
        beads: int = BEADS,
        policy: Policy | None = None,
    ) -> None:
        self.of = {each.name: each for each in of}
        chain = tuple(RouteName(each.name) for each in of)
        manifest = Manifest(
            name="night",
            base=None,
            target="t",
            beads=tuple(Bead(id=BeadId(f"b{n}"), title="b", prompt="p", routes=chain) for n in range(beads)),
            agents=tuple(
                AgentTraits(name=AgentName(each.name), provider=each.name, resumes=True, continues=True) for each in of
            ),
            policy=policy
            or Policy(workers=SLOTS * len(of), limits=tuple(Limit(pool=each.name, sessions=SLOTS) for each in of)),
        )
        self.log: list[m.Event] = [m.RunPlanned(at=0.0, manifest=manifest, target_base=Commit("b"), token=Token(0))]
        self.state = State.replay(self.log)
        self.now = 0.0
        self.left: dict[BeadId, float] = {bead.id: 1.0 for bead in manifest.beads}
        """The share of each bead's work that is still to do."""
        self.sessions: dict[Token, str] = {}
        self.resumed = 0
        self.moved = 0
        self._told: dict[str, float] = {}
        """Until when a provider has said that it is not to be asked."""
        self._happenings: list[tuple[float, int, int, Callable[[], None]]] = []
        self._count = 0
        self._epoch = 0
        self._under_way: set[m.Effect] = set()
        if dies_at is not None:
            self._later(dies_at, self._die, epoch=-1)

    def play(self) -> float:
        """When the last bead had landed."""
        self._open()
        while self.state.ended_at is None:
            due = self.state.deadlines.next()
            while self._happenings and self._happenings[0][2] not in (self._epoch, -1):
                heapq.heappop(self._happenings)
            if due is not None and (not self._happenings or due <= self._happenings[0][0]):
                self.now = max(self.now, due)
                self._hear(m.TimePassed)
                continue
            self.now, _, _, act = heapq.heappop(self._happenings)
            act()
        return self.now

    def _hear(self, kind: type[m.Signal], **fields: object) -> None:
        events = advance(self.state, kind(at=self.now, **fields))
        self.log += events
        for event in events:
            if isinstance(event, m.AttemptStarted):
                self._sent(event)
        wanted = list(owed(self.state))
        fresh = [effect for effect in wanted if effect not in self._under_way]
        self._under_way = set(wanted)
        for effect in fresh:
            self._perform(effect)

    def _sent(self, event: m.AttemptStarted) -> None:
        """Nothing is asked of a provider that has said until when it is not to be asked."""
        assert self._told.get(event.route, 0.0) <= event.at, f"a request to {event.route}, which is parked"
        self.resumed += event.resume is not None

    def _later(self, delay: float, act: Callable[[], None], epoch: int | None = None) -> None:
        self._count += 1
        which = self._epoch if epoch is None else epoch
        heapq.heappush(self._happenings, (self.now + delay, self._count, which, act))

    def _say(self, delay: float, kind: type[m.Signal], **fields: object) -> None:
        self._later(delay, lambda: self._hear(kind, **fields))

    def _open(self) -> None:
        self._epoch += 1
        self._under_way = set()
        self.state = State.replay(self.log)
        self._hear(m.Opened, epoch=self._epoch, process=ME, host="here")

    def _die(self) -> None:
        """Agents die with us: what they had done by then is in their worktrees."""
        self._epoch += 1
        self._later(60.0, self._open, epoch=-1)

    def _perform(self, effect: m.Effect) -> None:
        match effect:
            case m.Sweep():
                self._say(0.1, m.Swept, ended=0)
            case m.OpenSession():
                self._session(effect)
            case m.Save(token=token):
                self._say(0.1, m.Saved, token=token, commit=Commit("half"))
            case m.Collect(token=token):
                self._say(0.1, m.Collected, token=token, commit=Commit("c"), tree=Tree("t"))
            case m.Compose(token=token, onto=onto, onto_tree=onto_tree):
                on = {"onto": onto or Commit("base"), "onto_tree": onto_tree or Tree("base")}
                self._say(0.1, m.Composed, token=token, commit=Commit(f"c{token}"), tree=Tree(f"t{token}"), **on)
            case m.Verify(bead=bead, tree=tree, round=turn):
                self._say(0.1, m.Verified, bead=bead, tree=tree, round=turn, passed=True)
            case m.Advance(new=new):
                self._say(0.1, m.Advanced, commit=new)
            case m.Clear(bead=bead):
                self._say(0.1, m.Cleared, bead=bead)

    def _session(self, order: m.OpenSession) -> None:
        provider, token = self.of[order.route], order.token
        session = order.resume or f"s{token}"
        self._say(0.5, m.Spawned, token=token, process=ME, worktree="w")
        self._say(1.0, m.GaveSign, token=token, session=session)
        begins = self.now + START_S
        if provider.back_at(begins) is not None:
            self._later(START_S, lambda: self._refused(provider, token, session))
            return
        self._say(START_S + 3.0, m.Progressed, token=token, usage=Usage(tokens_in=100, tokens_out=10))
        ends, leaves = begins + self.left[order.bead] * provider.each_s, provider.leaves_at(begins)
        if leaves < ends:
            share = self.left[order.bead] - (leaves - begins) / provider.each_s
            self._later(leaves - self.now, lambda: self._cut_off(provider, order.bead, share, token, session))
        else:
            usage = Usage(tokens_in=1000, tokens_out=100)
            verdict = Verdict(ending=Ending.DELIVERED, session=session, usage=usage)
            self._say(ends - self.now, m.SessionEnded, token=token, verdict=verdict)

    def _cut_off(self, provider: Provider, bead: BeadId, share: float, token: Token, session: str) -> None:
        self.left[bead] = share
        self._refused(provider, token, session)

    def _refused(self, provider: Provider, token: Token, session: str) -> None:
        back = provider.back_at(self.now)
        assert back is not None
        if provider.limited:
            self._told[provider.name] = back
        ending = Ending.USAGE_LIMITED if provider.limited else Ending.UNREACHABLE
        retry_at = back if provider.limited else None
        verdict = Verdict(ending=ending, reason="away", session=session, retry_at=retry_at)
        self._hear(m.SessionEnded, token=token, verdict=verdict)
