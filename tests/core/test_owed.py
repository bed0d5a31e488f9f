"""What a state asks of the shell: by where things stand, not by how they got there."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Usage
from orchestrator.core.owed import owed
from tests.core.scene import Scene, bead, command


def test_each_state_of_a_worker_is_owed_its_effect() -> None:
    """From the start of an attempt to its end."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    assert scene.all_owed() == ["OpenSession"]
    scene.sign("a")
    assert scene.all_owed() == []
    token = scene.token("a")
    scene.hear(m.WentSilent, token=token, evidence="nothing moved")
    assert scene.all_owed() == ["EndSession"]
    scene.end("a", Ending.CRASHED)
    assert scene.all_owed() == ["Save"]


def test_asking_twice_is_asking_once() -> None:
    """The same effects, value for value, in the same order."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a")
    scene.deliver("a")
    assert list(owed(scene.state)) == list(owed(scene.state))
    assert {hash(effect) for effect in owed(scene.state)} == {hash(effect) for effect in owed(scene.state)}


def test_progress_does_not_change_what_is_owed() -> None:
    """Else an effect that is under way would seem to be a new one."""
    scene = Scene(bead("a"), workers=1)
    before = list(owed(scene.state))
    scene.hear(m.Progressed, token=scene.token("a"), note="reading", session="s1", usage=Usage(usd=1.0))
    scene.spawn("a")
    assert list(owed(scene.state)) == before


def test_a_fresh_session_is_told_its_task() -> None:
    """And what the one before left, where there was one."""
    scene = Scene(bead("a", routes="blue"), workers=1)
    assert [order.prompt for order in scene.owed(m.OpenSession)] == ["Do a."]
    scene.sign("a")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    [order] = scene.owed(m.OpenSession)
    assert order.prompt.startswith("Do a.\n\n---\n\nYour work on this task is done, but")


def test_a_resumed_session_is_told_only_what_is_new() -> None:
    """It knows its task."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.LOST)
    [order] = scene.owed(m.OpenSession)
    assert order.resume == "session of a"
    assert order.prompt.startswith("An earlier attempt at this task ended because it was interrupted.")


def test_a_shell_command_is_its_own_prompt() -> None:
    """Whatever happened before."""
    scene = Scene(command("a"), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.LOST)
    [order] = scene.owed(m.OpenSession)
    assert order.prompt == "make it"


def test_evidence_is_cut_where_errors_do_not_stand() -> None:
    """The end of a long output, which says what is wrong."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.hear(m.Checked, token=scene.token("a"), passed=False, command="check", output="x" * 9000 + "the error")
    [order] = scene.owed(m.OpenSession)
    assert "the error" in order.prompt
    assert len(order.prompt) < 7000
