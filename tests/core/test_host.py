"""A machine that is short: nothing starts that it has no room for, and nothing waits longer than it must."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.decide.host import UNKNOWN_NEED
from orchestrator.core.model import AgentName, Ending, Room, Sample
from tests.core.scene import Scene, bead, none, only

MIB = 2**20
FLOOR = 512 * MIB
PLENTY = Room(memory=2**40, load=0.0, cores=2, descriptors=10**6, processes=10**6)


def look(scene: Scene, room: Room, **memory: int) -> list[m.Event]:
    samples = tuple(
        Sample(
            token=scene.token(name), processes=1, stopped=0, cpu_share=0.1, cpu_s=1.0, memory=used, descriptors=1,
            read=0, written=0, said_s=0.0, wrote_s=0.0, quiet_s=0.0,
        )
        for name, used in memory.items()
    )  # fmt: skip
    return scene.hear(m.Sampled, samples=samples, room=room)


def waiting() -> Scene:
    """One works, one waits for its worker: it ends when the machine is full."""
    scene = Scene(bead("a"), bead("b", "a"), bead("c", "a"), workers=2)
    scene.sign("a")
    return scene


def test_a_full_machine_starts_nothing_and_says_what_it_is_short_of() -> None:
    scene = waiting()
    told = only(look(scene, Room(memory=FLOOR), a=UNKNOWN_NEED), m.HostTightened)
    assert (told.fits, scene.state.fits) == (0, 0)
    assert told.reason == "512 MiB of memory are free; an agent needs 256 MiB, and 512 MiB stay free"
    scene.deliver("a")
    scene.land("a")
    assert scene.running() == []
    assert scene.state.ended_at is None


def test_it_goes_on_by_itself_once_there_is_room() -> None:
    scene = waiting()
    look(scene, Room(memory=FLOOR), a=UNKNOWN_NEED)
    scene.deliver("a")
    scene.land("a")
    freed = look(scene, PLENTY)
    assert not none(freed, m.HostFreed)
    assert scene.running() == ["b", "c"]


def test_no_more_start_than_there_is_room_for() -> None:
    scene = waiting()
    look(scene, Room(memory=FLOOR), a=UNKNOWN_NEED)
    scene.deliver("a")
    scene.land("a")
    look(scene, Room(memory=FLOOR + UNKNOWN_NEED))
    assert scene.running() == ["b"]
    assert scene.state.fits == 0


def test_what_an_agent_needs_is_its_highest_peak() -> None:
    scene = waiting()
    assert only(look(scene, PLENTY, a=700 * MIB), m.AgentMeasured).memory == 700 * MIB
    assert none(look(scene, PLENTY, a=750 * MIB), m.AgentMeasured), "hardly more"
    assert none(look(scene, PLENTY, a=10 * MIB), m.AgentMeasured)
    assert not none(look(scene, PLENTY, a=800 * MIB), m.AgentMeasured)
    assert scene.state.needs == {AgentName("red"): 800 * MIB}


def test_what_the_young_will_still_take_is_set_aside() -> None:
    """Known to need 800 MiB, at 100 now: 700 of what is free are spoken for."""
    scene = waiting()
    look(scene, PLENTY, a=800 * MIB)
    scene.breaks("a", Ending.CRASHED)
    scene.wait(60.0)
    scene.sign("a")
    told = only(look(scene, Room(memory=FLOOR + 900 * MIB), a=100 * MIB), m.HostTightened)
    assert told.fits == 0
    assert "700 MiB of them for agents that have just started" in told.reason


def test_load_descriptors_and_processes_are_looked_at_as_well() -> None:
    for short, said in (
        (Room(load=70.0, cores=2), "the load is 70.0 on 2 cores, and at most 32 for each"),
        (Room(descriptors=70), "70 file descriptors are left"),
        (Room(processes=31), "31 more processes"),
    ):
        told = only(look(waiting(), short), m.HostTightened)
        assert told.fits == 0
        assert said in told.reason


def test_what_cannot_be_measured_is_not_short() -> None:
    assert none(look(waiting(), Room()), m.HostTightened)


def test_an_allowance_that_nobody_needs_is_not_told_again_and_again() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    room = FLOOR + 3 * UNKNOWN_NEED
    assert only(look(scene, Room(memory=room), a=UNKNOWN_NEED), m.HostTightened).fits == 3
    for more in (1, 2, 3):
        assert none(look(scene, Room(memory=room + more * UNKNOWN_NEED), a=UNKNOWN_NEED), m.HostTightened)


def test_who_forces_it_is_not_kept_waiting() -> None:
    scene = Scene(bead("a"), bead("b", "a"), workers=1, heed_host=False)
    scene.sign("a")
    assert none(look(scene, Room(memory=0)), m.HostTightened)
    scene.deliver("a")
    scene.land("a")
    assert scene.running() == ["b"]
