"""When a provider's account is parked, how it wakes, and how a limit slows its other routes down."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide.breakers import of_one_model
from orchestrator.core.model import BeadState, BreakerState, Ending, RouteName, Usage
from tests.core.scene import Scene, bead, none, only

JITTER = 5.0
COOLDOWN = 60.0


def crowd(count: int, routes: str = "red", **policy: object) -> Scene:
    beads = [bead(f"b{n}", routes=routes) for n in range(count)]
    return Scene(*beads, **{"workers": count, "max_starts": count, **policy})  # type: ignore[arg-type]


def parked(events: list[m.Event]) -> list[str]:
    return [event.provider for event in events if isinstance(event, m.ProviderParked)]


def test_a_usage_limit_parks_every_route_of_its_provider() -> None:
    """Until the time that it named, and a little longer; other providers go on."""
    scene = Scene(bead("a", routes="red:large"), bead("b", routes="red:small blue"), workers=2)
    scene.sign("a", "b")
    reset = scene.now + 7200.0
    assert parked(scene.breaks("a", Ending.USAGE_LIMITED, retry_at=reset)) == ["east"]
    assert reset <= scene.account("east").until <= reset + JITTER  # type: ignore[operator]
    assert scene.account("west").state is BreakerState.CLOSED
    scene.breaks("b", Ending.LOST)
    assert scene.attempt("b").route == "blue"
    assert scene.is_at("a") is BeadState.READY


def test_it_wakes_by_itself_at_the_reset_and_resumes_the_session_by_its_id() -> None:
    """In its worktree, as it was; one goes first, the others follow when it got an answer."""
    scene = crowd(3)
    for n in range(3):
        scene.sign(f"b{n}", session=f"s{n}")
    reset = scene.now + 7200.0
    for n in range(3):
        scene.breaks(f"b{n}", Ending.USAGE_LIMITED, retry_at=reset)
    scene.now = reset - 1.0
    assert none(scene.hear(m.TimePassed), m.AttemptStarted)
    assert scene.state.deadlines.next() == scene.account("east").until
    scene.now = reset + JITTER
    scene.hear(m.TimePassed)
    [probe] = scene.running()
    attempt = scene.attempt(probe)
    assert (attempt.probe, attempt.resume, attempt.keep) == (True, f"s{probe[1:]}", True)
    scene.sign(probe)
    scene.hear(m.Progressed, token=attempt.token, usage=Usage(tokens_out=1))
    assert scene.account("east").state is BreakerState.CLOSED
    assert [scene.attempt(name).resume for name in sorted(scene.running())] == ["s0", "s1", "s2"]
    assert all(scene.record(f"b{n}").tries == 0 for n in range(3))


def test_a_person_who_resumes_has_it_asked_before_its_time() -> None:
    """By one attempt, in the session that the limit cut off: a plan was changed, say. In vain, it is parked again."""
    scene = crowd(2)
    reset = scene.now + 7200.0
    for n in range(2):
        scene.sign(f"b{n}", session=f"s{n}")
    for n in range(2):
        scene.breaks(f"b{n}", Ending.USAGE_LIMITED, retry_at=reset)
    assert scene.ask(m.Verb.RESUME).text == "goes on; asks again, before its time: east"
    [probe] = scene.running()
    assert (scene.attempt(probe).probe, scene.attempt(probe).resume) == (True, f"s{probe[1:]}")
    scene.sign(probe)
    assert parked(scene.breaks(probe, Ending.USAGE_LIMITED, retry_at=reset)) == ["east"]
    assert scene.running() == []
    scene.ask(m.Verb.RESUME)
    [probe] = scene.running()
    scene.sign(probe)
    scene.hear(m.Progressed, token=scene.attempt(probe).token, usage=Usage(tokens_out=1))
    assert len(scene.running()) == 2


def test_a_route_that_rests_is_asked_by_who_resumes() -> None:
    """And the bead that waited for it does not wait on."""
    scene = crowd(1)
    scene.sign("b0")
    scene.breaks("b0", Ending.RATE_LIMITED, retry_at=scene.now + 7200.0)
    assert scene.breaker("red").state is BreakerState.OPEN
    assert scene.ask(m.Verb.RESUME).text == "goes on; asks again, before its time: red"
    scene.wait(5.0)  # its provider is slowed down
    assert scene.running() == ["b0"]


def test_it_is_parked_across_our_own_death() -> None:
    """All of it is in the events."""
    scene = crowd(1)
    scene.sign("b0")
    scene.breaks("b0", Ending.USAGE_LIMITED, retry_at=scene.now + 7200.0)
    until = scene.account("east").until
    scene.now += 100.0
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.running() == []
    assert scene.state.deadlines.next() == until


def test_a_usage_limit_without_a_time_is_tried_again_after_the_longest_wait() -> None:
    """It did not say until when."""
    scene = crowd(1)
    scene.sign("b0")
    scene.breaks("b0", Ending.USAGE_LIMITED)
    assert 3600.0 <= scene.account("east").until - scene.now <= 3600.0 + JITTER  # type: ignore[operator]


def test_an_earlier_reset_does_not_replace_a_later_one() -> None:
    """Nor does a limit open what is shut for good."""
    scene = Scene(
        bead("a", routes="red:large"), bead("b", routes="red:small"), bead("c", routes="red:large"), workers=3
    )
    scene.sign("a", "b", "c")
    scene.breaks("b", Ending.UNAVAILABLE)
    scene.breaks("a", Ending.USAGE_LIMITED, retry_at=scene.now + 7200.0)
    assert none(scene.breaks("c", Ending.USAGE_LIMITED, retry_at=scene.now + 3600.0), m.ProviderParked)
    assert scene.breaker("red:small").until is None
    assert scene.account("east").until >= scene.now + 7200.0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("route", "said", "one"),
    [
        ("red:opus", "You have reached your Opus limit, resets 3am", True),
        ("red:claude-opus-4-5", "Opus weekly limit reached", True),
        ("red:gemini-2.5-pro", "quota exceeded for model gemini-2.5-pro", True),
        ("red:opus", "You have reached your session limit, resets 3am", False),
        ("red:red-large", "the limit of red is reached", False),
        ("red", "Opus limit reached", False),
        ("red:red-2.5-pro", "Quota exceeded for quota metric 'Red 2.5 Pro Requests' per day", True),
        ("red:red-2.5-pro", "Quota exceeded for quota metric 'Red 2.5 Flash Requests' per day", False),
        ("red:red-2.5-pro", "You have exhausted your daily quota on this model.", True),
        ("red", "You have exhausted your daily quota on this model.", False),
        ("red:large", "Extra usage is required for this models-only plan", False),
    ],
)
def test_a_limit_of_one_model_leaves_the_accounts_others_alone(route: str, said: str, one: bool) -> None:
    """Where its words name the model."""
    scene = Scene(bead("a", routes=route), workers=1)
    assert of_one_model(scene.state, RouteName(route), said) is one


def test_a_limit_of_one_model_opens_that_route_alone() -> None:
    """The same account's other model takes the bead over."""
    scene = Scene(bead("a", routes="red:opus red:sonnet"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.USAGE_LIMITED, reason="Opus limit reached", retry_at=scene.now + 7200.0)
    scene.hear(m.Saved, token=token, commit=None)
    assert scene.account("east").state is BreakerState.CLOSED
    assert scene.attempt("a").route == "red:sonnet"


@pytest.mark.parametrize("ending", [Ending.UNREACHABLE, Ending.USAGE_LIMITED])
def test_an_outage_may_last_longer_than_a_bead_has_starts_in_vain(ending: Ending) -> None:
    """Who only finds out that the provider is still away says nothing of its bead."""
    scene = crowd(2, starts_in_vain=3)
    scene.sign("b0", "b1")
    scene.breaks("b0", ending)
    scene.breaks("b1", ending)
    for _ in range(10):
        until = scene.account("east").until
        assert until is not None
        scene.wait(until - scene.now)
        [probe] = scene.running()
        scene.sign(probe)
        scene.breaks(probe, ending)
    assert [scene.is_at(name) for name in ("b0", "b1")] == [BeadState.READY, BeadState.READY]
    assert [scene.record(name).vain for name in ("b0", "b1")] == [1, 1]


def test_a_usage_limit_whose_time_is_over_is_asked_less_and_less_often() -> None:
    """It was read late, or misread; it is not tried at once again and again."""
    scene = crowd(1)
    for expected in (60.0, 120.0, 240.0):
        scene.sign("b0")
        scene.breaks("b0", Ending.USAGE_LIMITED, retry_at=scene.now - 10.0)
        until = scene.account("east").until
        assert until is not None
        assert expected <= until - scene.now <= expected * 1.25 + JITTER
        scene.wait(until - scene.now)


def test_an_outage_of_the_network_is_probed_again_by_itself() -> None:
    """Twice as late each time, up to the longest rest; nobody need be there."""
    scene = crowd(3)
    scene.sign("b0", "b1", "b2")
    for n in range(3):
        scene.breaks(f"b{n}", Ending.UNREACHABLE)
    for expected in (60.0, 120.0, 240.0):
        until = scene.account("east").until
        assert until is not None
        assert expected <= until - scene.now <= expected * 1.25
        scene.wait(until - scene.now)
        [probe] = scene.running()
        scene.sign(probe)
        scene.breaks(probe, Ending.UNREACHABLE)
    until = scene.account("east").until
    assert until is not None
    scene.wait(until - scene.now)
    [probe] = scene.running()
    scene.finish(probe)
    assert scene.account("east").state is BreakerState.CLOSED
    assert len(scene.running()) == 2


def test_the_failures_of_several_routes_are_their_providers() -> None:
    """One route's alone are not."""
    one = crowd(5, breaker_failures=9)
    one.sign(*(f"b{n}" for n in range(5)))
    assert not any(parked(one.breaks(f"b{n}", Ending.OVERLOADED)) for n in range(5))
    two = Scene(
        *(bead(f"b{n}", routes="red:large" if n % 2 else "red:small") for n in range(5)),
        workers=5, max_starts=5, breaker_failures=9,
    )  # fmt: skip
    two.sign(*(f"b{n}" for n in range(5)))
    assert [parked(two.breaks(f"b{n}", Ending.OVERLOADED)) for n in range(5)] == [[], [], [], [], ["east"]]


def test_what_was_started_before_an_outage_says_nothing_new() -> None:
    """A session from before is not the probe."""
    scene = crowd(3)
    scene.sign("b0", "b1", "b2")
    scene.breaks("b0", Ending.UNREACHABLE)
    scene.wait(COOLDOWN * 1.25)
    assert scene.account("east").state is BreakerState.HALF_OPEN
    assert none(scene.breaks("b1", Ending.UNREACHABLE), m.ProviderParked)
    assert scene.account("east").state is BreakerState.HALF_OPEN
    scene.deliver("b2")
    assert scene.account("east").state is BreakerState.HALF_OPEN


def test_a_rate_limit_slows_the_providers_other_routes() -> None:
    """They start one by one; after a while as before. Other providers do not notice."""
    beads = [bead(f"b{n}", routes="red:large red:small") for n in range(4)]
    scene = Scene(*beads, bead("c", routes="blue"), workers=5, max_starts=9)
    scene.ask(m.Verb.PAUSE)
    for name in ("b0", "b1", "b2", "b3", "c"):
        scene.sign(name)
    for name in ("b1", "b2", "b3", "c"):
        scene.breaks(name, Ending.LOST)
    scene.breaks("b0", Ending.RATE_LIMITED)
    scene.ask(m.Verb.RESUME)
    assert scene.running() == ["c"]
    seen = []
    for _ in range(4):
        due = scene.state.deadlines.next()
        assert due is not None
        seen.append(scene.now)
        scene.wait(due - scene.now)
        seen[-1] = scene.now - seen[-1]
    assert len(scene.running()) == 5
    assert all(gap >= 4.99 for gap in seen)


def test_a_crowd_that_hits_one_rate_limit_slows_down_once() -> None:
    """Whoever started before says nothing new; the next one that is limited doubles it."""
    scene = crowd(4, breaker_failures=99)
    scene.sign("b0", "b1", "b2", "b3")
    slowed = [
        e for n in range(4) for e in scene.breaks(f"b{n}", Ending.RATE_LIMITED) if isinstance(e, m.ProviderSlowed)
    ]
    assert [event.every_s for event in slowed] == [5.0]
    scene.wait(10.0)
    [again, *_] = scene.running()
    scene.sign(again)
    assert only(scene.breaks(again, Ending.RATE_LIMITED), m.ProviderSlowed).every_s == 10.0


def test_a_rate_opens_a_breaker_only_where_the_share_is_large_enough() -> None:
    """Three failures among thirty answers are none of the route's."""
    for answers, opens in ((2, True), (9, False)):
        scene = crowd(answers + 3, breaker_rate=0.5)
        scene.sign(*(f"b{n}" for n in range(answers + 3)))
        for n in range(answers):
            scene.deliver(f"b{n}")
        events = [event for n in range(answers, answers + 3) for event in scene.breaks(f"b{n}", Ending.OVERLOADED)]
        assert any(isinstance(event, m.BreakerOpened) for event in events) is opens
