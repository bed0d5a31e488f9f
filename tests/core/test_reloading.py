"""Settings that change while a run is at work."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Budget, Limit
from orchestrator.core.state import State
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead, only


def reload(scene: Scene, *, usd: float | None = None, **policy: Any) -> m.RequestAnswered:
    settings = m.Settings(
        policy=replace(scene.state.policy, **policy),
        budget=Budget(usd=usd),
        names={"max_starts": "max_starts", "watch_s": "locks.watch", "workers": "workers"},
    )
    events = scene.hear(m.Asked, verb=m.Verb.RELOAD, request=1, settings=settings, by="ada")
    return only(events, m.RequestAnswered)


def test_more_workers_start_more_beads_at_once_and_fewer_let_go_when_they_have_finished() -> None:
    scene = Scene(*(bead(name) for name in "abcd"), workers=1)
    assert scene.running() == ["a"]
    said = reload(scene, workers=3)
    assert (said.accepted, said.text) == (True, "from now on otherwise: workers")
    assert scene.running() == ["a", "b", "c"]
    reload(scene, workers=1)
    assert scene.running() == ["a", "b", "c"], "who is at work finishes"
    scene.finish("b")
    scene.finish("c")
    assert scene.running() == ["a"]
    assert len(scene.state.workers) == 1


def test_how_many_workers_are_worth_their_while_is_found_out_anew_within_other_bounds() -> None:
    """Else a run that had found three would not have the five that a person asks for from now on."""
    scene = Scene(*(bead(f"b{n}") for n in range(9)), workers=2, auto=True, most_workers=3)
    tuned = m.WorkersTuned(at=scene.now, workers=3, before=2, reason="more may bring more")
    scene.state.apply(tuned)
    scene.log.append(tuned)
    assert len(scene.state.workers) == 3
    reload(scene, workers=5, most_workers=8)
    assert len(scene.state.workers) == 5
    assert scene.state.width is None
    assert scene.state.tuning is not None
    assert scene.state.tuning.since == scene.now


def test_a_limit_that_is_lifted_lets_start_what_waited_for_it() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, limits=(Limit(pool="east", sessions=1),))
    assert scene.running() == ["a"]
    reload(scene, limits=())
    assert scene.running() == ["a", "b"]


def test_hours_begin_and_end_with_the_settings() -> None:
    scene = Scene(bead("a"), bead("b", "a"), workers=1)
    now = scene.now
    reload(scene, closed=((now - 10.0, now + 3600.0),))
    assert scene.state.closed_until == now + 3600.0
    scene.finish("a")
    assert scene.is_at("b") is BeadState.READY, "nothing new starts"
    reload(scene, closed=())
    assert scene.state.closed_until is None
    assert scene.running() == ["b"]


def test_a_budget_may_be_raised_and_what_a_person_allowed_meanwhile_stands() -> None:
    scene = Scene(bead("a"), usd=10.0)
    said = reload(scene, usd=20.0)
    assert said.text == "from now on otherwise: budget.usd"
    assert scene.state.budget.usd == 20.0
    scene.ask(m.Verb.RESUME, text="50")
    said = reload(scene, usd=20.0)
    assert said.text == "its settings are what they were"
    assert scene.state.budget.usd == 50.0


def test_what_the_shell_is_built_by_is_refused_all_at_once_and_nothing_changes() -> None:
    scene = Scene(bead("a"), workers=1)
    before = scene.state.policy
    said = reload(scene, max_starts=3, watch_s=1.0, workers=9)
    assert not said.accepted
    assert "max_starts cannot change" in said.text
    assert "locks.watch cannot change" in said.text
    assert "workers" not in said.text
    assert scene.state.policy == before


def test_settings_outlive_our_death() -> None:
    scene = Scene(bead("a"), workers=1)
    reload(scene, workers=4, tries_per_route=7)
    again = State.replay(scene.log)
    assert again.policy == scene.state.policy
    assert list(again.workers) == list(scene.state.workers)


def test_a_request_without_settings_is_refused() -> None:
    scene = Scene(bead("a"))
    assert not scene.ask(m.Verb.RELOAD).accepted
