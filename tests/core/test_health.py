"""How a worker's health is weighed, and when it is worth a word."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.health import Health, health
from orchestrator.core.model import Ending, Host, Policy, Sample, WorkerId
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead, none, only

W1 = WorkerId("w1")
MACHINE = Host(memory=8 * 2**30, descriptors=1000)


def sample(scene: Scene, name: str = "a", **changed: Any) -> Sample:
    """An agent at its best."""
    well = Sample(
        token=scene.token(name), processes=3, stopped=0, cpu_share=0.3, cpu_s=4.0, memory=100 * 2**20, descriptors=40,
        read=0, written=0, said_s=2.0, wrote_s=1.0, quiet_s=1.0,
    )  # fmt: skip
    return replace(well, **changed)


def weighed(scene: Scene, **changed: Any) -> Health:
    return health(scene.state, W1, sample(scene, **changed), MACHINE)


def at_work(**policy: Any) -> Scene:
    scene = Scene(bead("a", silence_s=900.0, tries=20), workers=1, **policy)
    scene.sign("a")
    return scene


def part(found: Health, name: str) -> float:
    (one,) = [part for part in found.parts if part.name == name]
    assert one.reason
    assert one.inputs
    return one.value


def test_the_weights_are_those_of_the_design() -> None:
    found = weighed(at_work())
    weights = {part.name: part.weight for part in found.parts}
    assert weights == {
        "liveness": 0.30, "activity": 0.25, "errors": 0.20, "resources": 0.15, "velocity": 0.10, "limits": 0.0,
    }  # fmt: skip
    assert found.score == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize(
    ("changed", "name", "value"),
    [
        ({"processes": 0}, "liveness", 0.0),
        ({"stopped": 3}, "liveness", 0.0),
        ({"stopped": 1}, "liveness", 0.999),
        ({"quiet_s": 450.0}, "liveness", 0.5),
        ({"quiet_s": 5000.0}, "liveness", 0.0),
        ({"quiet_s": 29.0, "said_s": 29.0}, "activity", 1.0),
        ({"quiet_s": 165.0, "said_s": 200.0}, "activity", 0.5),
        ({"quiet_s": 1.0, "said_s": 4000.0}, "activity", 1.0),
        ({"quiet_s": 600.0, "said_s": 600.0}, "activity", 0.0),
        ({"memory": 10 * 2**30}, "resources", 0.5),
        ({"memory": 16 * 2**30}, "resources", 0.0),
        ({"descriptors": 1000}, "resources", 0.0),
    ],
)
def test_each_part_falls_with_what_is_measured(changed: dict[str, float], name: str, value: float) -> None:
    assert part(weighed(at_work(), **changed), name) == pytest.approx(value, abs=0.001)


def test_failures_count_and_limits_do_not() -> None:
    """Four attempts: two crashes alike, a limit, and our own death."""
    scene = at_work()
    for ending in (Ending.CRASHED, Ending.CRASHED, Ending.OVERLOADED, Ending.LOST):
        scene.breaks("a", ending, session="s")
        scene.wait(4000.0)
        scene.sign("a")
    found = weighed(scene)
    assert (part(found, "errors"), part(found, "limits")) == (0.0, 0.75)
    assert scene.worker("a").outcomes == (Ending.CRASHED, Ending.CRASHED, Ending.OVERLOADED, Ending.LOST)
    assert found.weakest.name == "errors"


def test_a_spiral_is_counted() -> None:
    scene = at_work(same_failures=10)
    for _ in range(3):
        scene.breaks("a", Ending.CRASHED, session=None)
        scene.wait(4000.0)
        scene.sign("a")
    assert scene.worker("a").alike == 3
    assert "the last 3 alike" in weighed(scene).weakest.reason


def test_velocity_is_held_against_all_workers() -> None:
    scene = Scene(bead("a"), bead("b"), bead("c"), bead("d"), workers=2)
    scene.sign("a", "b")
    scene.now += 100.0
    scene.deliver("a")
    scene.land("a")
    scene.now += 100.0
    scene.breaks("b", Ending.CRASHED)
    workers = scene.state.workers
    assert [workers[WorkerId(each)].delivered for each in ("w1", "w2")] == [1, 0]
    scene.wait(1000.0)
    slow = next(name for name in ("b", "c", "d") if scene.state.beads[scene.record(name).spec.id].token is not None
                and scene.worker(name).id == "w2")  # fmt: skip
    assert part(health(scene.state, WorkerId("w2"), sample(scene, slow), MACHINE), "velocity") == 0.0


def test_the_weakest_part_is_the_one_that_costs_most() -> None:
    found = weighed(at_work(), stopped=3, quiet_s=20.0, said_s=20.0)
    assert (found.weakest.name, found.weakest.reason) == ("liveness", "all of its processes are stopped")


def test_health_is_told_as_it_falls_and_as_it_is_clear_again() -> None:
    """Once each, however long it hangs about the floor."""
    scene = at_work(health_floor=0.75)

    def told(**changed: Any) -> list[m.Event]:
        return scene.hear(m.Sampled, samples=(sample(scene, **changed),), host=MACHINE)

    fell = only(told(quiet_s=400.0, said_s=400.0), m.HealthFell)
    assert (fell.worker, fell.bead, fell.since) == ("w1", "a", scene.now - 400.0)
    assert (fell.score, fell.reason[:9]) == (0.617, "activity:")
    assert none(told(quiet_s=400.0, said_s=400.0), m.HealthFell)
    assert 0.75 < weighed(scene, quiet_s=160.0, said_s=160.0).score < 0.85
    assert none(told(quiet_s=160.0, said_s=160.0), m.HealthRose)
    assert only(told(), m.HealthRose).score > 0.9


def test_an_agent_that_is_stopped_is_known_at_once_and_given_up_after_a_minute() -> None:
    scene = at_work()

    def look(**changed: Any) -> list[m.Event]:
        scene.now += 10.0
        return scene.hear(m.Sampled, samples=(sample(scene, **changed),), host=MACHINE)

    fell = only(look(stopped=3, quiet_s=5.0), m.HealthFell)
    assert fell.reason == "liveness: all of its processes are stopped"
    assert fell.score > Policy().health_floor, "its score alone would not have told it for minutes"
    for _ in range(5):
        assert none(look(stopped=3, quiet_s=70.0), m.SessionGivenUp)
    assert only(look(stopped=3, quiet_s=70.0), m.SessionGivenUp).ending is Ending.SILENT


def test_an_agent_that_is_let_go_on_is_not_given_up() -> None:
    scene = at_work()
    scene.hear(m.Sampled, samples=(sample(scene, stopped=3, quiet_s=5.0),), host=MACHINE)
    scene.now += 70.0
    told = scene.hear(m.Sampled, samples=(sample(scene, stopped=2, quiet_s=70.0),), host=MACHINE)
    assert none(told, m.SessionGivenUp)


def test_who_waits_for_a_person_is_well() -> None:
    scene = at_work()
    scene.hear(m.Questioned, token=scene.token("a"), question="which?")
    ill = sample(scene, stopped=3, quiet_s=800.0, said_s=800.0)
    assert none(scene.hear(m.Sampled, samples=(ill,), host=MACHINE), m.HealthFell)


def test_a_sample_of_a_session_that_is_over_is_void() -> None:
    scene = at_work()
    late = sample(scene, processes=0, quiet_s=800.0, said_s=800.0)
    scene.breaks("a", Ending.CRASHED)
    assert none(scene.hear(m.Sampled, samples=(late,), host=MACHINE), m.HealthFell)
