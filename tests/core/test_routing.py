"""What each way of ending leads to, and which route is taken next."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide.endings import ANSWERS, Blame
from orchestrator.core.model import BeadState, BreakerState, Ending, Limit
from tests.core.scene import Scene, bead, only

SENT_BACK = [
    # ending, a try of the bead, what it does to the breaker, goes on in the same worktree, with the same route first
    (Ending.RATE_LIMITED, False, Blame.ROUTE, True, False),
    (Ending.USAGE_LIMITED, False, Blame.PROVIDER_UNTIL, True, False),
    (Ending.UNREACHABLE, False, Blame.PROVIDER_OUTAGE, True, False),
    (Ending.OVERLOADED, False, Blame.ROUTE, True, False),
    (Ending.UNAVAILABLE, False, Blame.ROUTE_FOR_GOOD, True, False),
    (Ending.CONTEXT_OVERFLOW, True, Blame.NOBODY, True, False),
    (Ending.SILENT, True, Blame.NOBODY, True, True),
    (Ending.CRASHED, True, Blame.NOBODY, True, True),
    (Ending.TIMED_OUT, True, Blame.NOBODY, True, False),
    (Ending.NOTHING_DONE, True, Blame.NOBODY, True, True),
    (Ending.CHECKS_FAILED, True, Blame.NOBODY, True, True),
    (Ending.CONFLICT, True, Blame.NOBODY, True, True),
    (Ending.MERGED_RED, True, Blame.NOBODY, True, True),
    (Ending.NOT_STARTED, False, Blame.NOBODY, True, False),
    (Ending.NOT_COLLECTED, True, Blame.NOBODY, True, True),
    (Ending.STRAYED, True, Blame.NOBODY, False, False),
    (Ending.LOST, False, Blame.NOBODY, True, True),
    (Ending.STOPPED, False, Blame.NOBODY, True, True),
    (Ending.ASKED, False, Blame.NOBODY, True, True),
    (Ending.PUT_BACK, False, Blame.NOBODY, True, True),
]
GO_ON = {Ending.DELIVERED, Ending.NO_CHANGE_NEEDED, Ending.OVER_BUDGET, Ending.CANCELLED}
BROKEN = [
    row[0]
    for row in SENT_BACK
    if row[0] not in {Ending.ASKED, Ending.NOTHING_DONE, Ending.CHECKS_FAILED, Ending.NOT_COLLECTED}
]


@pytest.mark.parametrize(("ending", "tried", "blame", "keep", "stay"), SENT_BACK)
def test_each_ending_has_its_answer(ending: Ending, tried: bool, blame: Blame, keep: bool, stay: bool) -> None:
    """The table of the design, row by row."""
    answer = ANSWERS[ending]
    assert (answer.tried, answer.blame, answer.keep, answer.stay) == (tried, blame, keep, stay)


def test_every_ending_is_answered() -> None:
    """It sends the bead back, or it goes another way that the code names."""
    assert {row[0] for row in SENT_BACK} == set(ANSWERS)
    assert set(ANSWERS) | GO_ON == set(Ending)
    assert not set(ANSWERS) & GO_ON


@pytest.mark.parametrize("ending", BROKEN)
def test_a_broken_session_sends_its_bead_back(ending: Ending) -> None:
    """It is ready again, its files are free, its worker is idle or rests, and its try is counted or is not."""
    scene = Scene(bead("a", files="src", tries=5, routes="red blue"), workers=1)
    scene.sign("a")
    events = scene.breaks("a", ending, session="s1")
    back = only(events, m.BeadReturned)
    assert back.tried is ANSWERS[ending].tried
    assert scene.record("a").tries == ANSWERS[ending].tried
    assert back.keep is ANSWERS[ending].keep
    assert scene.is_at("a") in (BeadState.READY, BeadState.RUNNING)


@pytest.mark.parametrize("ending", [Ending.SILENT, Ending.CRASHED, Ending.LOST])
def test_who_stays_resumes_the_session_where_its_agent_can(ending: Ending) -> None:
    """Its own session, in its own worktree."""
    scene = Scene(bead("a", tries=5, routes="red blue"), workers=1)
    scene.sign("a", session="s1")
    scene.breaks("a", ending)
    scene.wait(60.0)
    attempt = scene.attempt("a")
    assert (attempt.route, attempt.resume, attempt.keep) == ("red", "s1", True)


def test_another_agent_goes_on_with_the_files_but_not_with_the_session() -> None:
    """A session id means nothing to another program, though it has sessions of its own."""
    scene = Scene(bead("a", tries=5, routes="red:x grey"), workers=1)
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.RATE_LIMITED, retry_at=scene.now + 5000.0)
    attempt = scene.attempt("a")
    assert (attempt.route, attempt.resume, attempt.keep) == ("grey", None, True)


def test_an_agent_that_cannot_go_on_from_half_done_work_begins_anew() -> None:
    """A fresh worktree, and nothing said of an earlier attempt's files."""
    scene = Scene(bead("a", tries=5, routes="green"), workers=1)
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.LOST)
    attempt = scene.attempt("a")
    assert (attempt.resume, attempt.keep, attempt.briefing) == (None, False, "")


def test_an_old_session_stays_closed_when_a_person_opens_the_bead_again() -> None:
    """It was another agent's, from before the attempt that failed."""
    scene = Scene(bead("a", tries=1, routes="red grey"), workers=1)
    scene.sign("a", session="of red")
    scene.breaks("a", Ending.RATE_LIMITED, retry_at=scene.now + 5000.0)
    assert scene.attempt("a").route == "grey"
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.FAILED
    scene.clear("a")
    scene.open()
    scene.sweep()
    attempt = scene.attempt("a")
    assert (attempt.route, attempt.resume, attempt.keep, attempt.briefing) == ("grey", None, False, "")


def test_two_strikes_put_a_route_behind_the_others() -> None:
    """What was not up to it is not asked a third time while there is another."""
    scene = Scene(bead("a", tries=9, routes="red blue", verify=("check",)), workers=1, same_failures=9)
    routes = []
    for _ in range(5):
        routes.append(scene.attempt("a").route)
        scene.sign("a")
        scene.deliver("a")
        scene.check("a", False)
    assert routes == ["red", "red", "blue", "blue", "red"]


def test_a_route_that_is_to_be_left_alone_is_taken_where_there_is_no_other() -> None:
    """Better late than never: with the only route it waits instead."""
    scene = Scene(bead("a", routes="red"), workers=1)
    scene.sign("a")
    back = only(scene.breaks("a", Ending.OVERLOADED), m.BeadReturned)
    assert back.shun is None
    assert back.not_before > scene.now
    assert scene.is_at("a") is BeadState.READY
    scene.wait(back.not_before - scene.now)
    assert scene.attempt("a").route == "red"


def test_a_bead_comes_back_to_its_first_route_when_the_time_is_over() -> None:
    """Leaving a route alone is for a while."""
    scene = Scene(bead("a", routes="red blue"), workers=1)
    scene.sign("a")
    back = only(scene.breaks("a", Ending.OVERLOADED), m.BeadReturned)
    assert back.shun == "red"
    assert scene.attempt("a").route == "blue"
    scene.sign("a")
    scene.now = back.shun_until + 1.0
    scene.breaks("a", Ending.TIMED_OUT)
    assert scene.attempt("a").route == "red"


def test_a_bead_whose_routes_are_all_shut_for_good_fails() -> None:
    """And says of each route why."""
    scene = Scene(bead("a", routes="red blue"), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.UNAVAILABLE)
    scene.sign("a")
    scene.breaks("a", Ending.UNAVAILABLE)
    assert scene.is_at("a") is BeadState.FAILED
    assert scene.record("a").reason == "no route is left: red: unavailable; blue: unavailable"
    assert scene.record("a").tries == 0


def test_a_bead_does_not_wait_for_ever_behind_another_ones_route() -> None:
    """One may try its other route later, its neighbour in the same line has none left."""
    scene = Scene(bead("rich", routes="red blue", priority=0), bead("poor", routes="blue", priority=1), workers=2)
    scene.sign("rich", "poor")
    scene.breaks("rich", Ending.OVERLOADED)
    assert scene.attempt("rich").route == "blue"
    scene.ask(m.Verb.PAUSE)
    scene.sign("rich")
    scene.breaks("rich", Ending.UNAVAILABLE)
    scene.breaks("poor", Ending.UNAVAILABLE)
    scene.hear(m.TimePassed)
    assert scene.breaker("blue").state is BreakerState.OPEN
    scene.ask(m.Verb.RESUME)  # a person saw to it, in vain
    scene.sign("rich")
    scene.breaks("rich", Ending.UNAVAILABLE)
    for _ in range(3):
        scene.wait(3600.0)
    assert scene.is_at("poor") is BeadState.FAILED


def test_who_leaves_a_route_alone_keeps_nobody_from_it() -> None:
    """What one bead may not ask now, the next with the same routes may."""
    scene = Scene(
        bead("full", routes="blue"),
        bead("shy", routes="red blue", priority=1),
        bead("next", routes="red blue", priority=2),
        workers=2,
        limits=(Limit(pool="blue", sessions=1),),
    )
    scene.sign("full", "shy")
    assert only(scene.breaks("shy", Ending.OVERLOADED), m.BeadReturned).shun == "red"
    assert scene.running() == ["full", "next"]
    assert scene.attempt("next").route == "red"
