"""How far is checked ahead on a machine that is busy, or short of memory."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import Room
from orchestrator.core.train import places
from tests.core.scene import Scene, bead, none, only

VERIFY = ("make test",)
NAMES = ("a", "b", "c", "d", "e")


def night(**settings: Any) -> Scene:
    """Five are verified; the train takes three."""
    beads = (bead(name) for name in NAMES)
    scene = Scene(*beads, workers=5, verify=VERIFY, **{"train": 3, "train_load": 2.0, "memory_floor": 0.0, **settings})
    for name in NAMES:
        scene.sign(name)
        scene.deliver(name)
    return scene


def look(scene: Scene, load: float | None = None, memory: int | None = None) -> list[m.Event]:
    return scene.hear(m.Sampled, samples=(), room=Room(load=load, cores=2, memory=memory))


def test_a_busy_machine_makes_it_shorter_look_by_look_but_for_the_front() -> None:
    scene = night()
    assert only(look(scene, load=4.0), m.TrainSized).places == 2
    scene.compose("a")
    scene.compose("b")
    assert scene.owed(m.Compose) == [], "two are checked at once"
    assert only(look(scene, load=5.0), m.TrainSized).places == 1
    assert none(look(scene, load=9.0), m.TrainSized)
    assert {order.bead for order in scene.owed(m.Verify)} == {"a", "b"}, "what has begun goes on"
    scene.try_out("a", True)
    scene.arrive()
    assert scene.owed(m.Compose) == [], "b is the front, and alone"


def test_it_grows_again_once_the_load_is_well_below() -> None:
    scene = night()
    look(scene, load=4.0)
    look(scene, load=4.0)
    assert none(look(scene, load=3.5), m.TrainSized), "near the bound it stays"
    assert only(look(scene, load=2.5), m.TrainSized).places == 2
    assert only(look(scene, load=0.5), m.TrainSized).places == 3
    assert none(look(scene, load=0.5), m.TrainSized)


def test_short_of_memory_only_the_front_is_checked() -> None:
    scene = night()
    said = only(look(scene, load=0.1, memory=2**26), m.TrainSized)
    assert (said.places, "64 MiB of memory" in said.reason) == (1, True)


def test_who_does_not_heed_the_machine_or_the_load_checks_as_far_as_is_set() -> None:
    assert none(look(night(heed_host=False), load=99.0), m.TrainSized)
    assert none(look(night(train_load=0.0), load=99.0), m.TrainSized)


def test_a_start_begins_with_as_many_as_are_set() -> None:
    scene = night()
    look(scene, load=4.0)
    assert places(scene.state) == 2
    scene.die()
    assert places(scene.state) == 2
    scene.open()
    assert places(scene.state) == 3
