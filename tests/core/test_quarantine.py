"""A worker on which bead after bead fails while the others do well."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, WorkerId, WorkerState
from tests.core.scene import Scene, bead, none, only

BAD = "w2"


def two_workers(min_workers: int = 1) -> Scene:
    """The second of them is the bad one; each bead is tried once, so that it has another one each time."""
    return Scene(*(bead(f"b{n:02}", tries=1) for n in range(40)), workers=2, min_workers=min_workers)


def at_work_on(scene: Scene, worker: str) -> str:
    token = scene.state.workers[WorkerId(worker)].token
    assert token is not None
    return scene.state.attempts[token].bead


def others_do_well(scene: Scene, times: int) -> None:
    for _ in range(times):
        scene.finish(at_work_on(scene, "w1"))


def fails(scene: Scene, ending: Ending = Ending.CRASHED) -> list[m.Event]:
    name = at_work_on(scene, BAD)
    scene.sign(name)
    return scene.breaks(name, ending)


def fails_at(scene: Scene, beads: int) -> list[m.Event]:
    return [event for _ in range(beads) for event in fails(scene)]


def test_it_begins_anew_first_and_is_put_aside_when_that_did_not_help() -> None:
    scene = two_workers()
    others_do_well(scene, 6)
    renewed = only(fails_at(scene, 3), m.WorkerRenewed)
    assert renewed.worker == BAD
    assert "failed on it in a row" in renewed.reason
    name = at_work_on(scene, BAD)
    assert not scene.attempt(name).keep, "in a fresh worktree"
    assert scene.attempt(name).resume is None, "and a fresh session"
    put_aside = only(fails_at(scene, 3), m.WorkerQuarantined)
    assert put_aside.worker == BAD
    assert scene.works(BAD) is WorkerState.FAILED
    assert scene.state.workers[WorkerId(BAD)].reason == put_aside.reason
    others_do_well(scene, 1)
    assert scene.state.workers[WorkerId(BAD)].token is None, "it is given nothing more"


def test_a_person_releases_it() -> None:
    scene = two_workers()
    others_do_well(scene, 6)
    fails_at(scene, 3)
    refused = scene.ask(m.Verb.RELEASE_WORKER, text=BAD)
    assert (refused.accepted, refused.worker) == (False, BAD)
    fails_at(scene, 3)
    said = scene.ask(m.Verb.RELEASE_WORKER, text=BAD)
    assert (said.accepted, said.text) == (True, "w2 may have beads again")
    assert scene.works(BAD) is WorkerState.STARTING
    assert not scene.ask(m.Verb.RELEASE_WORKER, text="w9").accepted


def test_one_delivery_and_all_is_forgotten() -> None:
    scene = two_workers()
    others_do_well(scene, 6)
    fails_at(scene, 2)
    scene.finish(at_work_on(scene, BAD))
    assert scene.state.workers[WorkerId(BAD)].row == ()
    assert none(fails_at(scene, 2), m.WorkerRenewed)


def test_where_others_fail_as_well_nobody_is_to_blame() -> None:
    scene = two_workers()
    for _ in range(6):
        name = at_work_on(scene, "w1")
        scene.sign(name)
        scene.breaks(name, Ending.CRASHED)
    assert none(fails_at(scene, 3), m.WorkerRenewed)


def test_limits_and_the_same_bead_again_and_again_say_nothing_of_a_worker() -> None:
    scene = Scene(bead("a", tries=9), *(bead(f"b{n}") for n in range(9)), workers=2, same_failures=99, backoff_s=0.0)
    worker = scene.worker("a").id
    other = next(each for each in scene.state.workers if each != worker)
    for _ in range(6):
        scene.finish(at_work_on(scene, other))
    for _ in range(3):
        scene.sign("a")
        events = scene.breaks("a", Ending.STOPPED)
        assert none(events, m.WorkerRenewed)
    assert scene.state.workers[worker].row == ()


def test_the_last_one_that_can_work_stays() -> None:
    scene = two_workers(min_workers=2)
    others_do_well(scene, 6)
    fails_at(scene, 3)
    assert none(fails_at(scene, 3), m.WorkerQuarantined)
