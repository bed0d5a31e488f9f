"""Random task graphs with random settings: the same dice give the same manifest.

`manifest_from` asks for nothing but whole numbers, so that hypothesis can draw (and shrink) what a seed would roll.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from orchestrator.core.model import (
    ANSWER,
    FAIL,
    HOLD,
    SHELL_ROUTE,
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    Budget,
    Claim,
    Collisions,
    Limit,
    Manifest,
    Per,
    Policy,
    Predict,
    PullRequests,
    PushWhen,
    RouteName,
    Unasked,
)
from orchestrator.core.values import replace

Roll = Callable[[int, int], int]
"""A whole number between two, both included."""

FOLDERS = ("src", "src/api", "src/core", "docs", "tests")
ROUTES = ("red:large", "red:small", "blue:one", "green")
AGENTS = (
    AgentTraits(name=AgentName("red"), provider="east", resumes=True, continues=True),
    AgentTraits(name=AgentName("blue"), provider="west", resumes=True, nudge="Go on."),
    AgentTraits(name=AgentName("green"), provider="west", continues=True, nudge="Go on."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How bad the night is: chances in a hundred."""

    trouble: int
    """An agent that does anything but deliver."""
    lightning: int
    """Our process dies at a signal, in thousandths."""
    doubling: int
    """A signal comes twice, or long after its time."""
    requests: int
    """A person asks for something, in thousandths of the signals."""
    refusals: int
    """Checks that fail, merges that conflict, a repository that cannot be written."""
    asking: int
    """An agent that wants more files than its bead names: it asks, or simply changes them, and may so collide."""
    cursed: bool
    """Whatever is begun on one of the workers fails."""
    honest: bool
    """Agents keep to what a bead may cost."""
    limited: bool
    """What troubles agents are their providers, most of all."""
    seed: int


def manifest_from(roll: Roll, largest: int = 40) -> Manifest:
    """Sizes lean to the small: most defects need few beads."""
    size = roll(1, roll(1, largest))
    ids = [BeadId(f"b{n}") for n in range(size)]
    density = roll(0, 3)
    return Manifest(
        name="night",
        base="main",
        target="orchestrator/night",
        beads=tuple(_bead(roll, ids, place, density) for place in range(size)),
        agents=AGENTS,
        verify=("make test",) if roll(0, 1) else (),
        budget=_budget(roll),
        policy=Policy(
            workers=roll(1, 8),
            auto=roll(0, 3) == 0,
            most_workers=(None, 3, 9)[roll(0, 2)],
            min_workers=roll(1, 2),
            max_starts=roll(1, 4),
            breaker_failures=roll(1, 3),
            worker_failures=roll(2, 5),
            tries_per_route=roll(1, 2),
            starts_in_vain=roll(6, 20),
            breaker_rate=(None, None, 0.5)[roll(0, 2)],
            provider_failures=roll(2, 5),
            same_failures=roll(2, 4),
            limits=_limits(roll),
            closed=_hours(roll),
            train=roll(1, 4),
            batch=(1, 1, 2, 5)[roll(0, 3)],
            check_tries=roll(1, 3),
            on_question=(HOLD, HOLD, FAIL, f"{ANSWER}as you like")[roll(0, 3)],
            question_wait_s=float(roll(0, 2) * 600),
            unasked=(Unasked.WAIT, Unasked.HAND_BACK, Unasked.IGNORE)[roll(0, 2)],
            push_to=("", "origin")[roll(0, 1)],
            push_when=(PushWhen.EACH, PushWhen.END)[roll(0, 1)],
            push_tries=roll(1, 6),
            requests=_requests(roll),
            predict=(Predict.OFF, Predict.CAREFUL, Predict.BOLD)[roll(0, 2)],
            follow_base=roll(0, 1) == 1,
        ),
    )


def _requests(roll: Roll) -> PullRequests | None:
    """Some hosts can be asked what is open, some cannot."""
    if roll(0, 2):
        return None
    return PullRequests(per=(Per.NIGHT, Per.BEAD)[roll(0, 1)], find=("", "look")[roll(0, 1)], open="open")


def _budget(roll: Roll) -> Budget:
    """Where the run has a limit, so has each bead: else nobody could say what it may need."""
    usd = (None, None, 40.0, 12.0)[roll(0, 3)]
    tokens = (None, None, 400)[roll(0, 2)]
    minutes = (None, None, 200.0)[roll(0, 2)]
    return Budget(
        usd=usd,
        bead_usd=(None, 2.0, 6.0)[roll(0, 2)] if usd is None else 2.0,
        day_usd=(None, None, 20.0)[roll(0, 2)],
        tokens=tokens,
        bead_tokens=(None, 60)[roll(0, 1)] if tokens is None else 40,
        minutes=minutes,
        bead_minutes=(None, 30.0)[roll(0, 1)],
        warn=(0.5, 0.8)[roll(0, 1)],
        hard=roll(0, 5) > 0,
        stop=roll(0, 2) == 0,
    )


def _limits(roll: Roll) -> tuple[Limit, ...]:
    """Of a provider, an agent and a route: some, or none."""
    return tuple(
        Limit(
            pool=pool,
            requests_per_minute=(None, 1, 6)[roll(0, 2)],
            tokens_per_day=(None, None, 60)[roll(0, 2)],
            sessions=(None, 1, 3)[roll(0, 2)],
        )
        for pool in ("east", "green", "red:small")
        if roll(0, 3) == 0
    )


def _hours(roll: Roll) -> tuple[tuple[float, float], ...]:
    """Seconds since the epoch; a night begins at 1000."""
    if roll(0, 3):
        return ()
    begins = [float(roll(900, 1500)), float(roll(3000, 9000))]
    return tuple((each, each + roll(1, 1400)) for each in begins)


def _bead(roll: Roll, ids: list[BeadId], place: int, density: int) -> Bead:
    needs = {ids[roll(0, place - 1)] for _ in range(roll(0, density))} if place else set()
    command = roll(0, 9) == 0
    routes = [RouteName(ROUTES[roll(0, len(ROUTES) - 1)]) for _ in range(roll(1, 3))]
    return Bead(
        id=ids[place],
        title=f"bead {place}",
        prompt=None if command else f"do {place}",
        command="make it" if command else None,
        needs=tuple(sorted(needs)),
        priority=roll(0, 4),
        files=tuple(_claim(roll) for _ in range(roll(0, 2))),
        verify=("check",) if roll(0, 2) else (),
        routes=(SHELL_ROUTE,) if command else tuple(dict.fromkeys(routes)),
        timeout_s=(600.0, 2700.0)[roll(0, 1)],
        tries=roll(1, 4),
        estimate_s=float(roll(1, 20) * 60) if roll(0, 1) else None,
        hold="ask me first" if roll(0, 14) == 0 else "",
    )


def file_from(roll: Roll) -> str:
    """A single file of the repository."""
    return f"{FOLDERS[roll(0, len(FOLDERS) - 1)]}/f{roll(0, 3)}.py"


def _claim(roll: Roll) -> Claim:
    folder = FOLDERS[roll(0, len(FOLDERS) - 1)]
    rest = ("", "/**", f"/f{roll(0, 3)}.py", "/*.py")[roll(0, 3)]
    return Claim(pattern=folder + rest, shared=roll(0, 3) == 0)


def weather_from(roll: Roll, seed: int) -> Weather:
    """Calm nights too: a rare defect is easily drowned in noise. So is a worker on which everything fails."""
    cursed = roll(0, 3) == 0
    return Weather(
        trouble=0 if cursed else (0, 10, 35, 70)[roll(0, 3)],
        lightning=(0, 5, 20, 60)[roll(0, 3)],
        doubling=(0, 5, 20)[roll(0, 2)],
        requests=(0, 20, 80)[roll(0, 2)],
        refusals=(0, 10, 30)[roll(0, 2)],
        asking=(0, 20, 60, 100)[roll(0, 3)],
        honest=roll(0, 3) > 0,
        cursed=cursed,
        limited=roll(0, 3) == 0,
        seed=seed,
    )


def night_of(seed: int) -> tuple[Manifest, Weather]:
    """The graph and the weather of a seed."""
    dice = Random(seed)
    manifest, weather = manifest_from(dice.randint), weather_from(dice.randint, seed)
    return with_collisions(dice.randint, manifest), weather


def with_collisions(roll: Roll, manifest: Manifest) -> Manifest:
    """What becomes of those, asked last: seeds that are known for something else stay known for it."""
    answer = (Collisions.TELL, Collisions.PUT_BACK, Collisions.PUT_BACK, Collisions.IGNORE)[roll(0, 3)]
    return replace(manifest, policy=replace(manifest.policy, collisions=answer))


@st.composite
def nights(draw: st.DrawFn) -> tuple[Manifest, Weather]:
    def roll(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    manifest = manifest_from(roll)
    weather = weather_from(roll, draw(st.integers(0, 2**32 - 1)))
    return with_collisions(roll, manifest), weather
