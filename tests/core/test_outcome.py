"""What becomes of a bead after an attempt: its tries, what the next one is told, and who gives up when."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Commit, Ending, ProcessName, Tree, Verdict, WorkerState
from tests.core.scene import Scene, bead, command, cost, none, only


def test_it_fails_when_its_tries_are_used_up() -> None:
    """And says what the last one ended with."""
    scene = Scene(bead("a", tries=2), bead("b", "a"), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    scene.wait(60.0)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.FAILED
    assert scene.record("a").reason == "crashed (tried 2 times)"
    assert scene.is_at("b") is BeadState.BLOCKED
    assert scene.record("b").reason == "needs a"


def test_what_is_nobodys_fault_is_no_try() -> None:
    """Our own deaths and limits may come more often than a bead has tries."""
    scene = Scene(bead("a", tries=1), workers=1)
    for _ in range(4):
        scene.sign("a")
        scene.breaks("a", Ending.LOST)
    assert scene.record("a").tries == 0
    assert scene.is_at("a") is BeadState.RUNNING


def test_starts_in_vain_are_bounded() -> None:
    """After so many a person must look."""
    scene = Scene(bead("a"), workers=1, starts_in_vain=3)
    for _ in range(3):
        assert scene.is_at("a") is not BeadState.FAILED
        scene.sign("a")
        scene.breaks("a", Ending.NOT_STARTED)
        scene.wait(3600.0)
    assert scene.is_at("a") is BeadState.FAILED
    assert "3 times in vain" in scene.record("a").reason


def test_a_failed_check_goes_back_into_the_same_session_with_its_output() -> None:
    """The agent that did it mends it."""
    scene = Scene(bead("a", tries=3, verify=("check",)), workers=1)
    scene.sign("a", session="s1")
    scene.deliver("a")
    assert scene.is_at("a") is BeadState.VERIFYING
    scene.check("a", False)
    [order] = scene.owed(m.OpenSession)
    assert order.resume == "s1"
    assert order.keep
    assert "`check`" in order.prompt
    assert "red" in order.prompt
    assert "Do a." not in order.prompt


def test_a_conflict_goes_back_to_who_knows() -> None:
    """To its own session, in its worktree, with the target being merged into it."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a", session="s1")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    attempt = scene.attempt("a")
    assert (attempt.keep, attempt.merge, attempt.resume) == (True, True, "s1")
    [order] = scene.owed(m.OpenSession)
    assert order.merge
    assert order.prompt.startswith("Your work on this task is done, but it could not be merged")
    assert "they differ" in order.prompt


def test_a_conflict_of_an_agent_without_sessions_goes_to_a_fresh_one_that_is_told_all() -> None:
    """In the same worktree, also where its agent cannot go on from half-done work: this is not half-done."""
    scene = Scene(bead("a", routes="green"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    [order] = scene.owed(m.OpenSession)
    assert (order.resume, order.keep, order.merge) == (None, True, True)
    assert order.prompt.startswith("Do a.")
    assert "they differ" in order.prompt


def test_a_command_that_conflicts_does_its_work_anew() -> None:
    """On the newest state: nobody is there to resolve anything."""
    scene = Scene(command("a"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    [order] = scene.owed(m.OpenSession)
    assert (order.keep, order.merge, order.prompt) == (False, False, "make it")


def test_a_merge_that_was_broken_off_is_gone_on_with() -> None:
    """A crash in between does not make it forget what it was about."""
    scene = Scene(bead("a", tries=5), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    scene.sign("a")
    back = only(scene.breaks("a", Ending.CRASHED), m.BeadReturned)
    assert (back.keep, back.merge) == (True, True)
    assert "they differ" in back.briefing


def test_what_is_told_of_deaths_does_not_grow_with_them() -> None:
    """The newest is told, and what the first was told beside its task, answers included."""
    scene = Scene(bead("a", tries=9, verify=("check",)), workers=1, same_failures=99)
    scene.sign("a")
    scene.deliver("a")
    scene.check("a", False)
    told = []
    for _ in range(3):
        scene.sign("a")
        told.append(only(scene.breaks("a", Ending.CRASHED), m.BeadReturned).briefing)
        scene.wait(3600.0)
    assert told[0] == told[1] == told[2]
    assert told[0].count("An earlier attempt") == 1
    assert "the check failed" in told[0]


def test_a_red_merge_goes_back_likewise() -> None:
    """With what the checks said."""
    scene = Scene(bead("a"), workers=1, verify=("make test",))
    scene.sign("a")
    scene.deliver("a")
    back = only(scene.refuse("a", Ending.MERGED_RED), m.BeadReturned)
    assert back.tried
    assert (back.keep, back.merge) == (True, True)
    assert "they differ" in scene.attempt("a").briefing


def test_done_without_a_change_is_told_once() -> None:
    """Then it has failed, whatever tries are left."""
    scene = Scene(bead("a", tries=9), workers=1)
    for _ in range(2):
        scene.sign("a")
        token = scene.token("a")
        scene.end("a", Ending.DELIVERED)
        scene.hear(m.Collected, token=token, commit=None)
    assert scene.is_at("a") is BeadState.FAILED
    assert "told so once" in scene.record("a").reason


def test_no_change_needed_is_done_without_a_commit() -> None:
    """The agent says so, and git agrees; the bead's own checks have the last word."""
    scene = Scene(bead("a", verify=("check",)), bead("b", "a"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.NO_CHANGE_NEEDED, reason="it is there already")
    scene.hear(m.Collected, token=token, commit=None)
    assert scene.is_at("a") is BeadState.VERIFYING
    scene.check("a", True)
    assert scene.is_at("a") is BeadState.DONE
    assert scene.record("a").commit is None
    assert scene.running() == ["b"]


def test_who_says_that_no_change_is_needed_and_changed_something_is_landed() -> None:
    """What git shows counts more than words."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.NO_CHANGE_NEEDED)
    scene.hear(m.Collected, token=token, commit=Commit("c"), tree=Tree("t"))
    assert scene.is_at("a") is BeadState.MERGING


def test_a_question_holds_the_bead_and_its_answer_goes_on_with_its_work() -> None:
    """Its worktree is cleared meanwhile, its work is kept. Who cannot resume goes on from the files."""
    scene = Scene(bead("a", routes="red blue"), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.breaks("a", Ending.OVERLOADED)
    scene.sign("a", session="the one that asked")
    assert scene.attempt("a").route == "blue"
    scene.breaks("a", Ending.ASKED)
    assert scene.is_at("a") is BeadState.HELD
    assert list(scene.state.locks.held) == ["b"]
    scene.clear("a")
    assert scene.ask(m.Verb.ANSWER, "a", "42").accepted
    attempt = scene.attempt("a")
    assert (attempt.route, attempt.keep, attempt.resume) == ("blue", True, None)
    assert "42" in attempt.briefing


def test_the_answer_resumes_the_session_where_its_agent_can() -> None:
    """It still knows what it asked."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b", session="asking")
    scene.breaks("a", Ending.ASKED)
    scene.ask(m.Verb.ANSWER, "a", "42")
    assert (scene.attempt("a").resume, scene.attempt("a").keep) == ("asking", True)


def test_a_worker_whose_start_failed_rests_and_comes_back() -> None:
    """Longer each time in a row; a start that succeeds ends the row."""
    scene = Scene(bead("a", tries=9), bead("b"), workers=2)
    scene.sign("b")
    for expected in (5.0, 10.0):
        scene.spawn("a")
        scene.wait(30.0)
        assert scene.works("w1") is WorkerState.TIMEOUT
        rest = only(scene.breaks("a", Ending.CRASHED), m.WorkerBackedOff)
        assert rest.reason == "no sign of life within 30 s of its start"
        assert expected <= rest.until - scene.now <= expected * 1.25
        scene.wait(100.0)
    scene.sign("a")
    assert scene.worker("a").failures == 0


def test_a_worker_that_fails_again_and_again_is_given_up() -> None:
    """While there are others; the last ones only rest."""
    scene = Scene(bead("a"), workers=2, worker_failures=1)
    scene.breaks("a", Ending.NOT_STARTED)
    assert scene.works("w1") is WorkerState.FAILED
    scene.wait(100.0)
    assert scene.attempt("a").worker == "w2"
    scene.breaks("a", Ending.NOT_STARTED)
    assert scene.works("w2") is WorkerState.BACKOFF


def test_the_session_that_delivers_while_we_give_it_up_is_not_refused() -> None:
    """Its result is there: it counts more than the clock."""
    scene = Scene(bead("a", timeout_s=100.0), workers=1)
    scene.sign("a")
    scene.wait(100.0)
    assert scene.works("w1") is WorkerState.TIMEOUT
    scene.deliver("a")
    assert scene.is_at("a") is BeadState.MERGING


def test_work_that_could_not_be_collected_is_a_try_and_waits() -> None:
    """The agent has worked, and cost: it goes on in the same worktree after a while, and not for ever."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a", session="s1")
    token = scene.token("a")
    scene.end("a", Ending.DELIVERED)
    scene.hear(m.Collected, token=token, commit=None, fault="no space left on device")
    back = only(scene.hear(m.Saved, token=token, commit=None), m.BeadReturned)
    assert back.tried
    assert not back.vain
    assert back.keep
    assert back.resume == "s1"
    assert back.not_before > scene.now


def test_work_that_could_not_be_checked_is_a_try_and_waits() -> None:
    """It says nothing of the work, and it must not come again at once, for ever."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    scene.sign("a")
    scene.deliver("a")
    back = only(
        scene.hear(m.Checked, token=scene.token("a"), passed=False, fault="the worktree is gone"), m.BeadReturned
    )
    assert (back.tried, back.vain, back.strike) == (True, False, None)
    assert back.not_before > scene.now


def test_a_bead_that_has_cost_its_limit_is_not_started_again() -> None:
    """An agent may say what it cost only at its end."""
    scene = Scene(bead("a"), workers=1, bead_usd=5.0)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED, usage=cost(5.5))
    assert scene.is_at("a") is BeadState.FAILED
    assert "it has cost $5.50" in scene.record("a").reason


def test_a_bead_that_passes_its_limit_while_it_runs_is_ended() -> None:
    """What earlier attempts cost counts as well."""
    scene = Scene(bead("a"), workers=1, bead_usd=5.0)
    scene.sign("a")
    scene.breaks("a", Ending.LOST, usage=cost(3.0))
    scene.sign("a")
    assert none(scene.hear(m.Progressed, token=scene.token("a"), usage=cost(2.0)), m.SessionGivenUp)
    only(scene.hear(m.Progressed, token=scene.token("a"), usage=cost(2.1)), m.SessionGivenUp)
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.FAILED


def test_signals_of_tokens_long_gone_are_void() -> None:
    """Twice, late, in any order: nothing comes of them."""
    scene = Scene(bead("a", tries=5, verify=("check",)), workers=1)
    old = scene.token("a")
    scene.sign("a")
    scene.breaks("a", Ending.LOST)
    assert scene.token("a") != old
    for kind, fields in (
        (m.Spawned, {"process": ProcessName(pid=1, started=0.0), "worktree": "w"}),
        (m.GaveSign, {}),
        (m.Progressed, {"usage": cost(99.0)}),
        (m.WentSilent, {"evidence": ""}),
        (m.SessionEnded, {"verdict": Verdict(ending=Ending.DELIVERED)}),
        (m.Saved, {"commit": None}),
        (m.Collected, {"commit": Commit("c")}),
        (m.Checked, {"passed": True}),
        (m.Landed, {"commit": Commit("c"), "tree": Tree("t")}),
        (m.Composed, {"onto": Commit("b"), "onto_tree": Tree("b"), "commit": Commit("c"), "tree": Tree("t")}),
        (m.NotComposed, {"onto": Commit("b"), "onto_tree": Tree("b"), "ending": Ending.CONFLICT}),
        (m.LandingRefused, {"evidence": ""}),
    ):
        assert scene.hear(kind, token=old, **fields) == []


def test_a_start_that_is_told_twice_gives_no_new_time() -> None:
    """Nor does it let the clock run of a session that was halted, or that waits for a person."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    ends = scene.state.deadlines.at(("bead", scene.token("a")))
    assert ends is not None
    scene.now += 100.0
    scene.spawn("a")
    assert scene.state.deadlines.at(("bead", scene.token("a"))) == ends
