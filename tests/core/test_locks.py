"""Files beyond a bead's own: asked for, seen to be changed, waited for; and who gives way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Claim, Ending, Unasked, Usage, Verdict, WorkerState
from tests.core.scene import Scene, bead, none, only

FOR_EVER = 1e9


def at_work(*names: str, **settings: Any) -> Scene:
    """Each at work on a file of its own name."""
    scene = Scene(*(bead(name, files=f"src/{name}") for name in names), workers=len(names), max_starts=9, **settings)
    scene.sign(*names)
    return scene


def ask(scene: Scene, name: str, *patterns: str, wait_s: float = FOR_EVER, **more: Any) -> list[m.Event]:
    claims = tuple(Claim(pattern=each.removeprefix("read:"), shared=each.startswith("read:")) for each in patterns)
    return scene.hear(m.LocksAsked, token=scene.token(name), claims=claims, request=ord(name[0]), wait_s=wait_s, **more)


def answer(events: list[m.Event], name: str) -> tuple[bool, str]:
    said = [each for each in events if isinstance(each, m.RequestAnswered) and each.request == ord(name[0])]
    assert len(said) == 1
    return said[0].accepted, said[0].text


def holds(scene: Scene, name: str) -> set[str]:
    return {claim.pattern for claim in scene.state.locks.held[scene.record(name).spec.id]}


def put_back(scene: Scene, name: str) -> list[m.Event]:
    """The victim's session ends, and what it left is saved."""
    token = scene.token(name)
    events = scene.end(name, Ending.CRASHED, session="s")
    return events + scene.hear(m.Saved, token=token, commit=None)


# ---------------------------------------------------------------- one who asks


def test_what_is_free_is_taken_at_once() -> None:
    """And is kept: a bead that wants it waits."""
    scene = at_work("a", "b")
    events = ask(scene, "a", "lib/x", "docs/**")
    assert answer(events, "a") == (True, "lib/x, docs/**: yours")
    assert holds(scene, "a") == {"src/a", "lib/x", "docs/**"}
    assert answer(ask(scene, "b", "docs/index.md", wait_s=0.0), "b") == (False, "held by a")


def test_what_it_holds_already_is_no_news() -> None:
    """A file below its own folder; reading what it may write."""
    scene = at_work("a")
    events = ask(scene, "a", "src/a/deep/x.py", "read:src/a")
    assert none(events, m.LocksTaken)
    assert answer(events, "a")[0]


def test_all_or_none() -> None:
    """While one of the files is held, it gets neither, and nobody may start on the other."""
    scene = at_work("a", "b")
    awaited = only(ask(scene, "a", "lib/x", "src/b"), m.LocksAwaited)
    assert awaited.holders == ("b",)
    assert holds(scene, "a") == {"src/a"}


def test_it_is_told_when_it_gets_what_it_waits_for() -> None:
    """In the decision in which the holder lets go."""
    scene = at_work("a", "b")
    ask(scene, "a", "src/b")
    scene.deliver("b")
    events = scene.land("b")
    accepted, text = answer(events, "a")
    assert accepted
    assert text.startswith("src/b: yours")
    assert "git merge --no-edit orchestrator/night" in text
    assert holds(scene, "a") == {"src/a", "src/b"}
    assert not scene.state.locks.waits


def test_an_edit_is_asked_for_only_where_files_are_locked_at_all() -> None:
    """A hook asks before each edit; who locks nothing beyond `files` is not kept from it."""
    scene = at_work("a", "b", unasked=Unasked.IGNORE)
    events = ask(scene, "a", "src/b", wait_s=0.0, edits=True)
    assert answer(events, "a")[0]
    assert none(events, m.LocksTaken)
    assert holds(scene, "a") == {"src/a"}
    scene = at_work("a", "b")
    assert answer(ask(scene, "a", "src/b", wait_s=0.0, edits=True), "a") == (False, "held by b")


def test_a_wide_set_is_not_overtaken_for_ever() -> None:
    """Two files that are never free at the same time, while others want one of them each."""
    narrow = [bead(f"n{turn}", files=("x", "y")[turn % 2]) for turn in range(30)]
    scene = Scene(*narrow[:2], bead("wide", files="x y"), *narrow[2:], workers=2)
    turn = 0
    while scene.is_at("wide") is BeadState.READY:
        scene.finish(f"n{turn}")
        turn += 1
    assert turn == 10, "eight went before it, and two were at work"
    assert scene.running() == ["wide"]
    scene.die()
    assert scene.record("wide").overtaken == 0
    scene.finish("wide")
    assert scene.running() == ["n10", "n11"]


def test_a_wait_has_its_time() -> None:
    """Then it is told who still has it, and goes on without."""
    scene = at_work("a", "b")
    ask(scene, "a", "src/b", wait_s=60.0)
    events = scene.wait(61.0)
    assert answer(events, "a") == (False, "still held by b")
    assert only(events, m.WaitEnded).bead == "a"
    assert scene.is_at("a") is BeadState.RUNNING


def test_a_session_that_is_over_gets_nothing() -> None:
    """Its token is stale: its bead is back in the queue, or in another attempt."""
    scene = at_work("a", "b")
    old = scene.token("a")
    scene.breaks("a", Ending.CRASHED)
    events = scene.hear(m.LocksAsked, token=old, claims=(Claim(pattern="x"),), request=ord("a"))
    accepted, text = answer(events, "a")
    assert not accepted
    assert "over" in text


def test_a_wait_ends_with_its_session() -> None:
    """Delivered or broken: a bead that nobody is at waits for nothing in a graph of waits."""
    scene = at_work("a", "b")
    ask(scene, "a", "src/b")
    scene.end("a", Ending.CRASHED)
    assert not scene.state.locks.waits


def test_one_may_hand_itself_back() -> None:
    """Rather than wait: it starts again when all of it is free."""
    scene = at_work("a", "b")
    events = ask(scene, "a", "src/b", hand_back=True)
    assert only(events, m.SessionGivenUp).ending is Ending.PUT_BACK
    put_back(scene, "a")
    assert scene.is_at("a") is BeadState.READY
    assert scene.record("a").tries == 0
    scene.deliver("b")
    assert scene.is_at("a") is BeadState.READY
    scene.land("b")
    assert scene.is_at("a") is BeadState.RUNNING
    assert holds(scene, "a") == {"src/a", "src/b"}


# ---------------------------------------------------------------- each waits for the next


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_ring_is_found_by_the_request_that_closes_it(size: int) -> None:
    """One gives way, once; the others go on, and all land."""
    names = [chr(ord("a") + n) for n in range(size)]
    scene = at_work(*names)
    for one, following in pairwise(names):
        assert none(ask(scene, one, f"src/{following}"), m.SessionGivenUp)
    events = ask(scene, names[-1], "src/a")
    victim = only(events, m.SessionGivenUp)
    assert victim.ending is Ending.PUT_BACK
    assert "→" in victim.reason
    put_back(scene, names[-1])
    for name in reversed(names[:-1]):
        assert scene.is_at(name) is BeadState.RUNNING
        assert name not in scene.state.locks.waits
        scene.deliver(name)
        scene.land(name)
    assert scene.is_at(names[-1]) is BeadState.RUNNING
    assert holds(scene, names[-1]) == {f"src/{names[-1]}", "src/a"}
    scene.finish(names[-1])
    assert scene.state.counts[BeadState.DONE] == size


def test_the_least_urgent_gives_way() -> None:
    """Whoever closes the ring."""
    scene = Scene(bead("a", files="src/a", priority=4), bead("b", files="src/b", priority=1), workers=2)
    scene.sign("a", "b")
    ask(scene, "a", "src/b")
    events = ask(scene, "b", "src/a")
    assert only(events, m.SessionGivenUp).token == scene.token("a")
    assert not answer(events, "a")[0]


def test_among_equals_who_has_done_least_gives_way() -> None:
    """By what its model wrote; then the youngest."""
    scene = at_work("a", "b")
    scene.hear(m.Progressed, token=scene.token("b"), usage=Usage(tokens_out=500))
    ask(scene, "a", "src/b")
    assert only(ask(scene, "b", "src/a"), m.SessionGivenUp).token == scene.token("a")


def test_who_takes_something_while_it_waits_may_close_a_ring() -> None:
    """a waits for c's and for x; b, for which a holds something, takes x: found there and then."""
    scene = at_work("a", "b", "c")
    ask(scene, "a", "src/c", "lib/x")
    ask(scene, "b", "src/a")
    events = ask(scene, "b", "lib/x")
    assert only(events, m.SessionGivenUp).ending is Ending.PUT_BACK


def test_a_bead_put_back_twice_takes_its_whole_set_first() -> None:
    """Others that are more urgent, and want a part of it, wait; once is not often."""
    urgent = [bead(f"u{n}", files="src/c", priority=0) for n in range(2)]
    scene = Scene(
        bead("a", files="src/a", priority=3), bead("b", files="src/b"), bead("c", files="src/c", priority=0),
        *urgent, workers=3, max_starts=9,
    )  # fmt: skip
    scene.sign("c", "b", "a")
    ask(scene, "a", "src/b", hand_back=True)
    put_back(scene, "a")
    scene.finish("b")
    assert scene.running() == ["c", "a"]
    scene.sign("a")
    ask(scene, "a", "src/c", hand_back=True)
    put_back(scene, "a")
    assert scene.record("a").put_backs == 2
    assert list(scene.state.entitled) == ["a"]
    scene.finish("c")
    assert scene.running() == ["a"]
    assert holds(scene, "a") == {"src/a", "src/b", "src/c"}
    scene.finish("a")
    assert scene.running() == ["u0"]


def test_an_entitled_bead_that_cannot_start_keeps_nobody_back() -> None:
    """Its routes are shut: the others need not wait for its provider."""
    scene = Scene(
        bead("a", files="src/a"), bead("b", files="src/b", routes="blue"), bead("u", files="src/b", routes="blue"),
        workers=2, put_back_first=1,
    )  # fmt: skip
    scene.sign("a", "b")
    ask(scene, "a", "src/b", hand_back=True)
    put_back(scene, "a")
    for _ in range(3):
        scene.hear(m.TimePassed)
    assert list(scene.state.entitled) == ["a"]
    scene.state.apply(m.BreakerOpened(at=scene.now, route=scene.record("a").spec.routes[0], until=5e9, reason="x"))
    scene.finish("b")
    assert scene.running() == ["u"]


def test_who_gave_way_often_is_spared_in_the_next_ring() -> None:
    """Although it is the least urgent of all."""
    scene = Scene(
        bead("a", files="src/a", priority=4), bead("b", files="src/b"), bead("c", files="src/c"),
        workers=3, max_starts=9, put_back_first=1,
    )  # fmt: skip
    scene.sign("b", "c", "a")
    ask(scene, "a", "src/b", hand_back=True)
    put_back(scene, "a")
    scene.finish("b")
    scene.sign("a")
    ask(scene, "c", "src/a")
    assert only(ask(scene, "a", "src/c"), m.SessionGivenUp).token == scene.token("c")


# ---------------------------------------------------------------- one who does not ask


def test_free_files_that_it_was_seen_to_change_are_taken() -> None:
    """Each by its name; what it holds already is no news."""
    scene = at_work("a")
    taken = only(scene.hear(m.Touched, token=scene.token("a"), files=("src/a/x.py", "lib/new.py")), m.LocksTaken)
    assert [claim.pattern for claim in taken.claims] == ["lib/new.py"]
    assert not taken.asked


def test_files_that_another_holds_are_waited_for_while_it_works_on() -> None:
    """Its landing comes after the other's."""
    scene = at_work("a", "b")
    scene.hear(m.Touched, token=scene.token("a"), files=("src/b/x.py",))
    assert scene.is_at("a") is BeadState.RUNNING
    scene.hear(m.SessionEnded, token=scene.token("a"), verdict=Verdict(ending=Ending.DELIVERED))
    scene.hear(m.Collected, token=scene.token("a"), commit="c", tree="t", files=("src/a/x", "src/b/x.py"))
    assert scene.is_at("a") is BeadState.MERGING
    assert scene.owed(m.Compose) == []
    scene.deliver("b")
    scene.land("b")
    assert [order.bead for order in scene.owed(m.Compose)] == ["a"]
    scene.land("a")


def test_where_the_manifest_says_so_it_is_put_back() -> None:
    scene = at_work("a", "b", unasked=Unasked.HAND_BACK)
    events = scene.hear(m.Touched, token=scene.token("a"), files=("src/b/x.py",))
    assert only(events, m.SessionGivenUp).ending is Ending.PUT_BACK
    assert scene.worker("a").state is WorkerState.TIMEOUT


def test_where_the_manifest_says_so_it_is_nobodys_business() -> None:
    scene = at_work("a", "b", unasked=Unasked.IGNORE)
    assert scene.hear(m.Touched, token=scene.token("a"), files=("src/b/x.py",)) == []


def test_finished_work_goes_ahead_in_a_ring() -> None:
    """Nobody is put back: what is done lands first."""
    scene = at_work("a", "b")
    scene.end("a", Ending.DELIVERED)
    scene.hear(m.Collected, token=scene.token("a"), commit="c", tree="t", files=("src/b/x.py",))
    assert scene.owed(m.Compose) == []
    events = ask(scene, "b", "src/a")
    assert none(events, m.SessionGivenUp)
    assert only(events, m.WaitEnded).bead == "a"
    assert [order.bead for order in scene.owed(m.Compose)] == ["a"]
    assert answer(scene.land("a"), "b")[0]


def test_a_thousand_files_are_claimed_by_their_folders() -> None:
    """A list as long as the repository would cost every other decision."""
    scene = at_work("a")
    files = tuple(f"lib/part{n % 7}/deep/f{n}.py" for n in range(1000))
    taken = only(scene.hear(m.Touched, token=scene.token("a"), files=files), m.LocksTaken)
    assert sorted(claim.pattern for claim in taken.claims) == [f"lib/part{n}/deep" for n in range(7)]


def test_what_it_was_found_to_need_it_takes_from_the_start_next_time() -> None:
    """Whatever ended its attempt."""
    scene = at_work("a", "b")
    ask(scene, "a", "lib/x")
    scene.breaks("a", Ending.LOST)
    assert holds(scene, "a") == {"src/a", "lib/x"}
