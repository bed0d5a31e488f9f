"""The agents of the fake world: what one does is drawn from dice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from orchestrator.core import messages as m
from orchestrator.core.model import (
    SHELL_ROUTE,
    BeadId,
    Claim,
    Commit,
    Ending,
    ProcessName,
    Room,
    Sample,
    Token,
    Usage,
    Verdict,
    WorkerId,
)
from tests.simulation.graphs import Weather, file_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an agent does, seconds after its start. `says` makes the signal from its time."""

    after: float
    says: Callable[[float], m.Signal] | None = None
    writes: bool = False
    files: tuple[str, ...] = ()
    """What it changes beyond what it holds, and does not ask for."""
    collides: bool = False
    """Its work is seen not to merge with somebody's."""
    asks: m.LocksAsked | None = None
    """What it wants before it goes on."""
    verdict: Verdict | None = None
    """It ends, and this is what it amounts to."""


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """One agent at work. It goes on when we die, until it ends by itself or is swept."""

    order: m.OpenSession
    epoch: int
    alive: bool = True
    then: tuple[Deed, ...] = ()
    """What it does, seconds after something is typed into it."""
    told: Usage = field(default_factory=Usage)
    waits_for: int | None = None
    """The request whose answer it waits for: until then it does nothing."""
    put_off: list[Deed] = field(default_factory=list)
    halted: bool = False
    """All of its processes stand still."""

    @property
    def token(self) -> Token:
        return self.order.token


CURSED = WorkerId("w2")


class Agents:
    """Draws what an agent will do from the dice."""

    def __init__(self, dice: Random, weather: Weather, bead_usd: float | None) -> None:
        self._dice = dice
        self._other_dice = Random(weather.seed)
        self._weather = weather
        self._bead_usd = bead_usd
        self._spent: dict[BeadId, float] = {}
        self._asked = 1_000_000
        self.healed = False

    def will(self, session: Session, now: float) -> Iterator[Deed]:
        """A whole session, deed by deed, in order of time."""
        order = session.order
        dice, token = self._dice, order.token
        troubled = not self.healed and dice.randrange(100) < self._weather.trouble
        kind = dice.choice(_OF_PROVIDERS if self._weather.limited else _TROUBLES) if troubled else "delivers"
        if self._weather.cursed and order.worker == CURSED and not self.healed:
            kind = "crashes"
        usage = self._cost(order, kind)
        name = f"s{token}" if dice.random() < 0.8 else None
        at = dice.uniform(0.0, 2.0)
        yield Deed(
            after=at,
            says=lambda t: m.Spawned(at=t, token=token, process=ProcessName(pid=token, started=t), worktree="w"),
        )
        if kind == "gives no sign":
            return
        at += dice.uniform(0.0, 60.0 if troubled and dice.random() < 0.2 else 10.0)
        if kind not in ("cannot", "overloaded", "finds no network") or dice.random() < 0.5:
            yield Deed(after=at, says=lambda t: m.GaveSign(at=t, token=token, session=name))
        for _ in range(dice.randrange(3)):
            if dice.randrange(100) < self._weather.asking:
                at += dice.uniform(0.0, 100.0)
                yield self._wants_more(token, at)
            at += dice.uniform(0.0, 400.0)
            writes = kind not in ("does nothing", "needs nothing", "cannot", "finds no network") and dice.random() < 0.7
            half = Usage(usd=None if usage.usd is None else usage.usd / 2, tokens_out=5)
            yield Deed(after=at, writes=writes, says=partial(_progress, token, half))
            if dice.random() < 0.5:
                yield Deed(
                    after=at + 0.5,
                    says=partial(_sample, token, dice.choice((0, 3, 3)), dice.choice((0, 3)), dice.uniform(0.0, 900.0)),
                )
            if writes and dice.random() < 0.5:
                collides = self._other_dice.randrange(100) < self._weather.asking
                yield Deed(after=at + 1.0, says=partial(_checkpoint, token, dice.random() < 0.8), collides=collides)
        if kind == "spends":
            yield Deed(after=at + 1.0, says=partial(_progress, token, usage))
            at += 100.0
        done = Verdict(ending=Ending.DELIVERED, reason=kind, session=name, usage=usage)
        if dice.random() < 0.5:
            session.then = (Deed(after=30.0, writes=True), Deed(after=31.0, verdict=done))
        if kind == "falls silent":
            for _ in range(6):
                at += order.silence_s
                yield Deed(after=at, says=lambda t: m.WentSilent(at=t, token=token, evidence="nothing"))
            return
        if kind == "wonders":
            for question in dice.choice((("which?",), ("which?", "why?"), ("which?", ""))):
                yield Deed(after=at, says=partial(_question, token, question))
                at += 50.0
            if dice.random() < 0.3:
                yield Deed(after=at + 100.0, writes=True)
                yield Deed(after=at + 300.0, verdict=done)
            return
        if kind == "never ends":
            for _ in range(12):
                at += 400.0
                yield Deed(after=at, says=lambda t: m.Progressed(at=t, token=token))
            return
        at += dice.uniform(0.0, 300.0)
        if kind == "delivers":
            yield Deed(after=at, writes=True)
        verdict = Verdict(
            ending=_ENDINGS[kind], reason=kind, session=name, usage=usage, retry_at=self._retry_at(kind, now + at)
        )
        yield Deed(after=at + dice.uniform(0.0, 5.0), verdict=verdict)

    def _wants_more(self, token: Token, after: float) -> Deed:
        dice = self._dice
        files = tuple(file_from(dice.randint) for _ in range(dice.randint(1, 3)))
        if dice.random() < 0.3:
            return Deed(after=after, writes=True, files=files)
        self._asked += 1
        claims = tuple(Claim(pattern=file, shared=dice.random() < 0.2) for file in files)
        wait_s = dice.choice((0.0, 30.0, 1e6, 1e6))
        asks = m.LocksAsked(
            at=0.0, token=token, claims=claims, request=self._asked, wait_s=wait_s, hand_back=dice.random() < 0.1
        )
        return Deed(after=after, asks=asks)

    def when_ended(self, session: Session) -> Verdict:
        """What is left of an agent that we end: now and then it had just finished."""
        finished = self._dice.random() < 0.2
        return Verdict(ending=Ending.DELIVERED if finished else Ending.CRASHED, reason="ended", usage=session.told)

    def _cost(self, order: m.OpenSession, kind: str) -> Usage:
        """Agents that keep to the limit never pass it, over all attempts of their bead."""
        if order.route == SHELL_ROUTE:
            return Usage()
        limit = 5.0 if self._bead_usd is None else self._bead_usd
        left = max(limit - self._spent.get(order.bead, 0.0), 0.0)
        usd = left * self._dice.uniform(0.0, 0.6)
        if not self._weather.honest and (kind == "spends" or self._dice.random() < 0.1):
            usd = limit * 1.5
        self._spent[order.bead] = self._spent.get(order.bead, 0.0) + usd
        return Usage(usd=usd if self._dice.random() < 0.9 else None, tokens_in=10, tokens_out=10)

    def _retry_at(self, kind: str, at: float) -> float | None:
        """A provider says when it lets us in again, or does not, or names a time that is over."""
        if kind not in ("is rate limited", "is usage limited", "overloaded") or self._dice.random() < 0.4:
            return None
        return at + self._dice.choice((-100.0, 5.0, 120.0, 4000.0))


def _question(token: Token, question: str, at: float) -> m.Signal:
    return m.Questioned(at=at, token=token, question=question)


def _sample(token: Token, processes: int, stopped: int, quiet_s: float, at: float) -> m.Sampled:
    """The shell's, too. What it shows of an agent may be anything."""
    sample = Sample(
        token=token, processes=processes, stopped=min(stopped, processes),
        cpu_share=0.0, cpu_s=0.0, memory=int(quiet_s * 2**20), descriptors=0, read=0,
        written=0, said_s=quiet_s, wrote_s=quiet_s, quiet_s=quiet_s,
    )  # fmt: skip
    return m.Sampled(at=at, samples=(sample,), room=Room(cores=2) if quiet_s < 600.0 else None)


def _checkpoint(token: Token, made: bool, at: float) -> m.Checkpointed:
    """It is the shell's, which takes one while the agent goes on."""
    commit, fault = (Commit(f"p{token}"), "") if made else (None, "no space left on device")
    return m.Checkpointed(at=at, token=token, commit=commit, fault=fault)


def _progress(token: Token, usage: Usage, at: float) -> m.Signal:
    return m.Progressed(at=at, token=token, usage=usage)


_ENDINGS = {
    "delivers": Ending.DELIVERED,
    "lies": Ending.NO_CHANGE_NEEDED,
    "does nothing": Ending.DELIVERED,
    "needs nothing": Ending.NO_CHANGE_NEEDED,
    "crashes": Ending.CRASHED,
    "is rate limited": Ending.RATE_LIMITED,
    "is usage limited": Ending.USAGE_LIMITED,
    "overloaded": Ending.OVERLOADED,
    "cannot": Ending.UNAVAILABLE,
    "finds no network": Ending.UNREACHABLE,
    "overflows": Ending.CONTEXT_OVERFLOW,
    "asks": Ending.ASKED,
    "spends": Ending.DELIVERED,
    "is lost": Ending.LOST,
    "starts in vain": Ending.NOT_STARTED,
}


_TROUBLES = (
    *_ENDINGS,
    "gives no sign",
    "falls silent",
    "falls silent",
    "wonders",
    "never ends",
    "crashes",
    "is rate limited",
    "does nothing",
)


_OF_PROVIDERS = (
    "is usage limited",
    "is usage limited",
    "is rate limited",
    "overloaded",
    "finds no network",
    "cannot",
    "crashes",
)
