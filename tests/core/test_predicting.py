"""Predicted files: who waits to be looked at, what is locked on suspicion, and how weak such a lock is."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Claim, Commit, Ending, Guess, Predict, Tree, Unasked
from tests.core.scene import BEGIN, Scene, bead, command, none, only


def vague(*names: str, predict: Predict = Predict.CAREFUL, **policy: Any) -> Scene:
    """Beads that say nothing of their files."""
    return Scene(*map(bead, names), predict=predict, workers=len(names), max_starts=9, **policy)


def foresee(scene: Scene, **files: str) -> list[m.Event]:
    """`path:0.9 path` for each bead; certain where nothing is said."""
    [order] = scene.owed(m.Foresee)
    guesses = []
    for name, said in files.items():
        pairs = (each.partition(":")[::2] for each in said.split())
        likely = (Guess(path=path, confidence=float(chance or 1.0), why="named") for path, chance in pairs)
        guesses.append((BeadId(name), tuple(likely)))
    return scene.hear(m.Foreseen, round=order.round, guesses=tuple(guesses), seconds=0.1)


def at_work(*names: str, **policy: Any) -> Scene:
    """Each at work on a file of its own name that was only predicted."""
    scene = vague(*names, **policy)
    foresee(scene, **{name: f"src/{name}" for name in names})
    scene.sign(*names)
    return scene


def ask(scene: Scene, name: str, *patterns: str, wait_s: float = 1e9) -> list[m.Event]:
    claims = tuple(Claim(pattern=each) for each in patterns)
    return scene.hear(m.LocksAsked, token=scene.token(name), claims=claims, request=1, wait_s=wait_s)


def touch(scene: Scene, name: str, *files: str) -> list[m.Event]:
    return scene.hear(m.Touched, token=scene.token(name), files=files)


def deliver(scene: Scene, name: str, *files: str) -> list[m.Event]:
    token = scene.token(name)
    scene.end(name, Ending.DELIVERED)
    return scene.hear(m.Collected, token=token, commit=Commit(f"work of {name}"), tree=Tree(name), files=files)


def holds(scene: Scene, name: str) -> set[str]:
    return {claim.pattern for claim in scene.state.locks.held[BeadId(name)]}


# ---------------------------------------------------------------- before they start


def test_the_first_agent_waits_for_no_prediction() -> None:
    """There is nobody whose files it could get into; the others wait to be looked at."""
    scene = vague("a", "b", "c")
    assert scene.running() == ["a"]
    [order] = scene.owed(m.Foresee)
    assert [each.bead for each in order.asks] == ["a", "b", "c"]
    foresee(scene, b="src/x", c="src/y")
    assert scene.running() == ["a", "b", "c"]
    assert holds(scene, "b") == {"src/x"}


def test_what_follows_is_looked_at_in_the_same_round() -> None:
    """So it starts as soon as its turn comes; what says its files, or is a command, is not asked for."""
    scene = Scene(
        bead("a"), bead("b", "a"), bead("c", "b"), bead("known", "a", files="x"), command("made", "a"),
        predict=Predict.CAREFUL, workers=2,
    )  # fmt: skip
    [order] = scene.owed(m.Foresee)
    assert [each.bead for each in order.asks] == ["a", "b", "c"]
    foresee(scene, b="src/b")
    scene.finish("a")
    assert {"b"} <= set(scene.running())
    assert holds(scene, "b") == {"src/b"}
    assert not scene.owed(m.Foresee)


def test_a_round_is_not_larger_for_what_follows() -> None:
    scene = Scene(bead("a"), *(bead(f"b{n}", "a") for n in range(300)), predict=Predict.CAREFUL, workers=1)
    [order] = scene.owed(m.Foresee)
    assert len(order.asks) == 200


def test_who_says_what_it_touches_waits_for_nothing() -> None:
    """Nor is it looked at."""
    scene = Scene(bead("a", files="x"), bead("b", files="y"), predict=Predict.BOLD, workers=2)
    assert scene.running() == ["a", "b"]
    assert not scene.owed(m.Foresee)


def test_nothing_is_predicted_where_nobody_wants_it() -> None:
    """All start at once."""
    scene = vague("a", "b", predict=Predict.OFF)
    assert scene.running() == ["a", "b"]
    assert not scene.owed(m.Foresee)


def test_a_prediction_that_takes_too_long_keeps_nobody() -> None:
    """It counts all the same, when it comes: who is at work takes what is free of it."""
    scene = vague("a", "b")
    assert not none(scene.wait(5.0), m.PredictionLate)
    assert scene.running() == ["a", "b"]
    events = foresee(scene, a="src/x", b="src/x src/y")
    assert [event.bead for event in events if isinstance(event, m.LocksTaken)] == ["a", "b"]
    assert (holds(scene, "a"), holds(scene, "b")) == ({"src/x"}, {"src/y"})


def test_a_repository_that_cannot_be_read_keeps_nobody() -> None:
    """Why is said."""
    scene = vague("a", "b")
    [order] = scene.owed(m.Foresee)
    events = scene.hear(m.NotForeseen, round=order.round, evidence="no such commit")
    assert only(events, m.PredictionFailed).reason == "no such commit"
    assert scene.running() == ["a", "b"]
    assert not scene.owed(m.Foresee)


def test_two_that_may_touch_one_file_go_one_after_the_other() -> None:
    """As if their author had said so."""
    scene = vague("a", "b")
    foresee(scene, a="src/x", b="src/x:0.6")
    assert scene.running() == ["a"]
    scene.sign("a")
    deliver(scene, "a", "src/x")
    scene.land("a")
    assert scene.running() == ["b"]


def test_how_likely_it_must_be() -> None:
    """Careful: likelier than not. Bold: one in four."""
    for predict, expected in ((Predict.CAREFUL, {"s", "u"}), (Predict.BOLD, {"s", "u", "v"})):
        scene = vague("a", "b", predict=predict)
        foresee(scene, a="s:0.9 u:0.5 v:0.3 w:0.2", b="none:0.1")
        assert {claim.pattern for claim in scene.record("a").predicted or ()} == expected
        assert scene.record("b").predicted == ()


def test_a_death_in_the_middle_of_it_asks_again() -> None:
    """It is owed by the state, like everything else."""
    scene = vague("a", "b")
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.owed(m.Foresee)
    foresee(scene, b="src/x")
    scene.die()
    assert scene.record("b").predicted == (Claim(pattern="src/x"),)


def test_after_much_has_landed_those_that_wait_are_looked_at_again() -> None:
    """Without waiting for it; those that are at work are not."""
    first = [f"b{n}" for n in range(9)]
    scene = Scene(*map(bead, first), bead("late"), predict=Predict.CAREFUL, workers=9, max_starts=9)
    foresee(scene, late="src/old", b8="src/old")
    for name in first[:8]:
        scene.finish(name)
    [order] = scene.owed(m.Foresee)
    assert (order.round, [each.bead for each in order.asks]) == (2, ["late"])
    foresee(scene, late="src/new")
    assert scene.record("late").predicted == (Claim(pattern="src/new"),)


# ---------------------------------------------------------------- how weak such a lock is


def test_who_asks_takes_over_what_is_only_predicted() -> None:
    """At once, and the other goes on: it has not touched it."""
    scene = at_work("a", "b")
    events = ask(scene, "a", "src/b")
    yielded = only(events, m.LocksYielded)
    assert (yielded.bead, yielded.to, [claim.pattern for claim in yielded.claims]) == ("b", "a", ["src/b"])
    assert only(events, m.RequestAnswered).accepted
    assert (holds(scene, "a"), holds(scene, "b")) == ({"src/a", "src/b"}, set())
    assert not none(touch(scene, "b", "src/b"), m.LocksAwaited)


def test_who_was_seen_to_touch_it_keeps_it() -> None:
    """From then on it is a lock like any other."""
    scene = at_work("a", "b")
    assert only(touch(scene, "b", "src/b"), m.LocksTaken).claims == (Claim(pattern="src/b"),)
    events = ask(scene, "a", "src/b", wait_s=0.0)
    assert none(events, m.LocksYielded)
    assert not only(events, m.RequestAnswered).accepted


def test_one_who_was_seen_to_touch_it_takes_it_over_as_well() -> None:
    """It did not ask; it has changed it all the same."""
    scene = at_work("a", "b")
    assert only(touch(scene, "a", "src/b"), m.LocksYielded).to == "a"
    assert holds(scene, "a") == {"src/a", "src/b"}


def test_a_file_in_a_folder_that_was_predicted_firms_that_file_only() -> None:
    """The rest of the folder may be taken over."""
    scene = vague("a", "b")
    foresee(scene, a="src", b="docs")
    scene.sign("a", "b")
    touch(scene, "a", "src/x")
    assert not only(ask(scene, "b", "src/x", wait_s=0.0), m.RequestAnswered).accepted
    assert holds(scene, "a") == {"src/x"}
    assert only(ask(scene, "b", "src/y", wait_s=0.0), m.RequestAnswered).accepted


def test_what_was_predicted_and_not_touched_is_free_when_the_work_is_collected() -> None:
    """It need not land first; in its next attempt it takes only what it is known to need."""
    scene = vague("a", "b")
    foresee(scene, a="src/x src/y", b="src/y")
    assert scene.running() == ["a"]
    scene.sign("a")
    events = deliver(scene, "a", "src/x")
    assert only(events, m.LocksYielded).claims == (Claim(pattern="src/y"),)
    assert "b" in scene.running()
    assert holds(scene, "a") == {"src/x"}
    assert scene.state.wanted(scene.record("a")) == (Claim(pattern="src/x"),)


def test_where_nothing_beyond_files_is_locked_a_touched_guess_stays() -> None:
    """It was right, and goes with the landing."""
    scene = vague("a", "b", unasked=Unasked.IGNORE)
    foresee(scene, a="src/x src/y")
    scene.sign("a")
    deliver(scene, "a", "src/x")
    assert holds(scene, "a") == {"src/x"}


def test_a_replay_knows_what_is_only_predicted() -> None:
    """The events alone give the state."""
    scene = at_work("a", "b")
    touch(scene, "a", "src/a")
    before = dict(scene.state.locks.guesses)
    scene.die()
    assert scene.state.locks.guesses == before
    assert before[BeadId("b")] == (Claim(pattern="src/b"),)
    assert before[BeadId("a")] == ()
    assert scene.is_at("b") is BeadState.RUNNING
    assert scene.now == BEGIN
