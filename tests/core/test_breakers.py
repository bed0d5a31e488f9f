"""When a route's breaker opens, for how long, and what a half-open one lets through."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BreakerState, Ending, Usage
from tests.core.scene import Scene, bead, none, only

COOLDOWN = 60.0


def crowd(count: int, routes: str = "red", **policy: object) -> Scene:
    beads = [bead(f"b{n}", routes=routes) for n in range(count)]
    return Scene(*beads, **{"workers": count, "max_starts": count, **policy})  # type: ignore[arg-type]


def opened(events: list[m.Event]) -> list[str]:
    return [event.route for event in events if isinstance(event, m.BreakerOpened)]


def test_it_opens_at_the_third_failure() -> None:
    """Two may be chance."""
    scene = crowd(3)
    scene.sign("b0", "b1", "b2")
    assert opened(scene.breaks("b0", Ending.OVERLOADED)) == []
    assert opened(scene.breaks("b1", Ending.OVERLOADED)) == []
    assert opened(scene.breaks("b2", Ending.OVERLOADED)) == ["red"]
    assert scene.breaker("red").until is not None
    assert COOLDOWN <= scene.breaker("red").until - scene.now <= COOLDOWN * 1.25  # type: ignore[operator]


def test_failures_long_ago_are_forgotten() -> None:
    """Only those within the window count."""
    scene = crowd(3)
    scene.sign("b0", "b1", "b2")
    scene.breaks("b0", Ending.OVERLOADED)
    scene.breaks("b1", Ending.OVERLOADED)
    scene.now += 601.0
    assert opened(scene.breaks("b2", Ending.OVERLOADED)) == []


def test_what_is_not_the_routes_fault_does_not_count_against_it() -> None:
    """A crash, a stall, a failed check: the model did answer, or nobody asked it."""
    scene = crowd(6)
    scene.sign(*(f"b{n}" for n in range(6)))
    for name, ending in zip(
        ["b0", "b1", "b2", "b3", "b4", "b5"],
        [Ending.CRASHED, Ending.SILENT, Ending.TIMED_OUT, Ending.LOST, Ending.CONTEXT_OVERFLOW, Ending.NOT_STARTED],
        strict=True,
    ):
        assert none(scene.breaks(name, ending), m.RouteFailed)
    assert scene.breaker("red").state is BreakerState.CLOSED


def test_those_who_started_before_it_opened_do_not_make_it_worse() -> None:
    """A hundred sessions that hit one outage are one outage: its time is not doubled by each three of them."""
    scene = crowd(12)
    scene.sign(*(f"b{n}" for n in range(12)))
    for n in range(12):
        scene.breaks(f"b{n}", Ending.OVERLOADED)
    assert scene.breaker("red").openings == 1
    assert scene.breaker("red").until - scene.now <= COOLDOWN * 1.25  # type: ignore[operator]


def test_one_that_is_shut_for_good_stays_so_when_others_fail_later() -> None:
    """A bad key is no outage: no time mends it."""
    scene = crowd(4)
    scene.sign("b0", "b1", "b2", "b3")
    scene.breaks("b0", Ending.UNAVAILABLE)
    for name in ("b1", "b2", "b3"):
        scene.breaks(name, Ending.OVERLOADED, retry_at=scene.now + 9.0)
    assert scene.breaker("red").state is BreakerState.OPEN
    assert scene.breaker("red").until is None


def test_its_time_is_stretched_when_the_provider_names_a_later_one() -> None:
    """Whoever comes too early is only sent away again."""
    scene = crowd(4)
    scene.sign("b0", "b1", "b2", "b3")
    for name in ("b0", "b1", "b2"):
        scene.breaks(name, Ending.OVERLOADED)
    scene.breaks("b3", Ending.RATE_LIMITED, retry_at=scene.now + 900.0)
    assert scene.breaker("red").until == scene.now + 900.0
    assert scene.breaker("red").openings == 1


def test_a_time_that_the_provider_names_opens_it_at_once() -> None:
    """It said when it lets us in again: nobody need try before."""
    scene = crowd(2)
    scene.sign("b0", "b1")
    scene.breaks("b0", Ending.RATE_LIMITED, retry_at=scene.now + 300.0)
    assert scene.breaker("red").state is BreakerState.OPEN
    assert scene.breaker("red").until == scene.now + 300.0


def test_a_half_open_one_lets_exactly_one_through() -> None:
    """The probe; the others wait for what becomes of it."""
    scene = crowd(3)
    scene.sign("b0", "b1", "b2")
    for n in range(3):
        scene.breaks(f"b{n}", Ending.OVERLOADED)
    scene.wait(COOLDOWN * 1.25)
    assert scene.breaker("red").state is BreakerState.HALF_OPEN
    assert len(scene.running()) == 1
    assert scene.attempt(scene.running()[0]).probe
    scene.wait(1.0)
    assert len(scene.running()) == 1


def probed(count: int = 3) -> tuple[Scene, str]:
    scene = crowd(count)
    scene.sign(*(f"b{n}" for n in range(count)))
    for n in range(count):
        scene.breaks(f"b{n}", Ending.OVERLOADED)
    scene.wait(COOLDOWN * 1.25)
    [probe] = scene.running()
    return scene, probe


def test_a_probe_that_gets_an_answer_closes_it() -> None:
    """Tokens came out: a model answered, and everybody may go on."""
    scene, probe = probed()
    scene.sign(probe)
    scene.hear(m.Progressed, token=scene.token(probe), usage=Usage(tokens_out=1))
    assert scene.breaker("red").state is BreakerState.CLOSED
    assert scene.breaker("red").openings == 0
    assert len(scene.running()) == 3


def test_a_probe_whose_agent_tells_no_tokens_closes_it_with_its_work() -> None:
    """Delivered is answered."""
    scene, probe = probed()
    scene.sign(probe)
    scene.deliver(probe)
    assert scene.breaker("red").state is BreakerState.CLOSED
    assert len(scene.running()) == 2


def test_a_probe_that_says_nothing_yet_proves_nothing() -> None:
    """Being up is not being answered."""
    scene, probe = probed()
    scene.sign(probe)
    scene.hear(m.Progressed, token=scene.token(probe), note="thinking")
    assert scene.breaker("red").state is BreakerState.HALF_OPEN


def test_a_probe_that_fails_opens_it_for_twice_as_long() -> None:
    """And twice again, up to the limit."""
    scene, probe = probed()
    for expected in (120.0, 240.0, 480.0):
        scene.sign(probe)
        scene.breaks(probe, Ending.OVERLOADED)
        until = scene.breaker("red").until
        assert until is not None
        assert expected <= until - scene.now <= expected * 1.25
        scene.wait(until - scene.now)
        [probe] = scene.running()


def test_a_probe_that_says_nothing_of_its_route_makes_way_for_the_next() -> None:
    """It crashed: the breaker knows no more than before, and another one probes."""
    scene, probe = probed()
    scene.sign(probe)
    scene.breaks(probe, Ending.CRASHED)
    assert scene.breaker("red").state is BreakerState.HALF_OPEN
    [second] = scene.running()
    assert second != probe
    assert scene.breaker("red").probe == scene.token(second)


def test_only_the_probe_itself_closes_it() -> None:
    """A session from before the outage proves nothing about now."""
    scene = crowd(4)
    scene.sign("b0", "b1", "b2", "b3")
    for n in range(3):
        scene.breaks(f"b{n}", Ending.OVERLOADED)
    scene.wait(COOLDOWN * 1.25)
    assert scene.breaker("red").state is BreakerState.HALF_OPEN
    scene.deliver("b3")
    scene.land("b3")
    assert scene.breaker("red").state is BreakerState.HALF_OPEN


def test_a_route_without_key_or_program_is_shut_until_a_person_has_seen_to_it() -> None:
    """No time opens it; `resume` lets a probe through."""
    scene = Scene(bead("a", routes="red blue"), bead("b", routes="red blue"), workers=1)
    scene.sign("a")
    only(scene.breaks("a", Ending.UNAVAILABLE), m.BreakerOpened)
    scene.wait(1e6)
    assert scene.breaker("red").state is BreakerState.OPEN
    scene.ask(m.Verb.RESUME)
    assert scene.breaker("red").state is BreakerState.HALF_OPEN
