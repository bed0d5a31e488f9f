"""A disk that is nearly full: nothing new starts, what runs goes on, and what waits goes on by itself."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState
from tests.core.scene import Scene, bead, none, only

GIB = 2**30


def test_below_the_floor_nothing_new_starts_and_what_runs_lands() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1, disk_floor=GIB)
    assert only(scene.hear(m.DiskMeasured, free=GIB - 1), m.DiskRanLow).floor == GIB
    scene.finish("a")
    assert scene.is_at("a") is BeadState.DONE
    assert scene.is_at("b") is BeadState.READY


def test_it_is_said_once_and_goes_on_by_itself() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1, disk_floor=GIB)
    scene.hear(m.DiskMeasured, free=0)
    scene.finish("a")
    assert none(scene.hear(m.DiskMeasured, free=1), m.DiskRanLow)
    assert not none(scene.hear(m.DiskMeasured, free=GIB), m.DiskFreed)
    assert scene.is_at("b") is BeadState.RUNNING


def test_without_a_floor_nobody_minds() -> None:
    scene = Scene(bead("a"), disk_floor=0)
    assert scene.hear(m.DiskMeasured, free=0) == []


def test_the_next_process_measures_anew() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1, disk_floor=GIB)
    scene.hear(m.DiskMeasured, free=0)
    scene.die()
    scene.open()
    assert scene.state.disk_low is None


def test_a_wait_for_the_store_is_written_down_and_changes_nothing_else() -> None:
    scene = Scene(bead("a"), workers=1)
    before = scene.is_at("a")
    told = only(scene.hear(m.StoreWaited, seconds=61.0, reason="the disk is full"), m.WritingResumed)
    assert (told.seconds, told.reason) == (61.0, "the disk is full")
    assert scene.is_at("a") is before
