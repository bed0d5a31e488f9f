"""What a pool lets start: its pace, its sessions, the tokens of its day, and what its provider's window holds."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Limit, Usage
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead


def crowd(count: int, *limits: Limit, routes: str = "red", **policy: object) -> Scene:
    beads = [bead(f"b{n}", routes=routes) for n in range(count)]
    return Scene(*beads, **{"workers": count, "max_starts": count, "limits": limits, **policy})  # type: ignore[arg-type]


def started(scene: Scene) -> list[float]:
    return [event.at for event in scene.log if isinstance(event, m.AttemptStarted)]


def tokens(count: int) -> Usage:
    return Usage(tokens_in=count - 1, tokens_out=1)


def test_starts_are_spread_over_the_minute() -> None:
    """Six a minute are one every ten seconds, not six at once."""
    scene = crowd(4, Limit(pool="east", requests_per_minute=6))
    for _ in range(3):
        assert scene.state.deadlines.next() == scene.now + 10.0
        scene.wait(10.0)
    assert started(scene) == [1000.0, 1010.0, 1020.0, 1030.0]


def test_another_pool_does_not_wait_for_it() -> None:
    """One provider's limit never stops another's work."""
    scene = Scene(
        bead("a"),
        bead("b"),
        bead("c", routes="red blue"),
        workers=3,
        limits=(Limit(pool="red", requests_per_minute=1),),
    )
    assert scene.running() == ["a", "c"]
    assert scene.attempt("c").route == "blue"


def test_only_so_many_sessions_of_a_pool_run_at_once() -> None:
    """The next one starts when an agent is gone, not when its checks are over."""
    scene = crowd(3, Limit(pool="east", sessions=1))
    assert scene.running() == ["b0"]
    scene.sign("b0")
    scene.end("b0", Ending.DELIVERED)
    assert scene.running() == ["b0", "b1"]


def test_a_day_that_is_used_up_is_waited_for() -> None:
    """It ends 24 hours after its first start, and nothing starts before."""
    scene = crowd(3, Limit(pool="east", tokens_per_day=100), workers=1)
    scene.sign("b0")
    scene.deliver("b0", usage=tokens(100))
    assert scene.running() == []
    assert scene.state.deadlines.next() == 1000.0 + 86400.0
    scene.now = 1000.0 + 86400.0
    scene.hear(m.TimePassed)
    assert scene.running() == ["b1"]


def test_fewer_are_started_where_the_day_will_not_hold() -> None:
    """What a bead has used so far is what the next ones are taken to use: of five free workers two are given work."""
    scene = crowd(7, Limit(pool="east", tokens_per_day=100))
    scene.ask(m.Verb.PAUSE)
    for n in range(1, 7):
        scene.breaks(f"b{n}", Ending.LOST)
    scene.sign("b0")
    scene.deliver("b0", usage=tokens(30))
    scene.ask(m.Verb.RESUME)
    assert scene.running() == ["b1", "b2"]


def window_used_up(scene: Scene, *tokens_of_each: int) -> None:
    """As many beads as fit are done; the next one is told that nothing is left, and it is the reset's time."""
    for each in tokens_of_each:
        name = scene.running()[0]
        scene.sign(name)
        scene.hear(m.Progressed, token=scene.token(name), usage=Usage(tokens_out=1))
        scene.deliver(name, usage=tokens(each))
        scene.land(name)
    name = scene.running()[0]
    scene.sign(name)
    reset = scene.now + 7200.0
    scene.breaks(name, Ending.USAGE_LIMITED, retry_at=reset)
    scene.now = reset + 5.0
    scene.hear(m.TimePassed)


def at_once(scene: Scene) -> int:
    """How many run when there are workers for three, and the probe got its answer."""
    scene.open(policy=replace(scene.state.policy, workers=3, max_starts=3))
    scene.sweep()
    name = scene.running()[0]
    scene.hear(m.Saved, token=scene.token(name), commit=None)
    name = scene.running()[0]
    scene.sign(name)
    scene.hear(m.Progressed, token=scene.token(name), usage=Usage(tokens_out=1))
    return len(scene.running())


def test_windows_that_were_used_up_after_as_many_tokens_show_what_the_next_one_holds() -> None:
    """Into 85 tokens fits one bead of 44, and not another beside it. After one window nobody knows."""
    scene = crowd(12, workers=1, max_starts=1)
    window_used_up(scene, 45, 45)
    assert scene.pool("east").holds is None
    window_used_up(scene, 40, 45)
    assert (scene.pool("east").held, scene.pool("east").holds) == (85, 85)
    assert at_once(scene) == 1


def test_windows_that_do_not_agree_show_nothing() -> None:
    """The limit is of something else: all workers are given work."""
    scene = crowd(12, workers=1, max_starts=1)
    window_used_up(scene, 45, 45)
    window_used_up(scene, 10)
    assert scene.pool("east").holds is None
    assert at_once(scene) == 3


def test_the_ledger_survives_our_death() -> None:
    """It is made of events."""
    scene = crowd(3, Limit(pool="east", requests_per_minute=6, tokens_per_day=1000), workers=2)
    scene.sign("b0")
    scene.deliver("b0", usage=tokens(100))
    before = dict(scene.state.pools)
    scene.die()
    assert scene.state.pools == before
