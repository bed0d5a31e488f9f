"""`explain`: why a bead is not running, or what it is doing, down to the cause."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending
from orchestrator.views.explain import explain
from tests.views.nights import GPT, OPUS, Night, bead, commit


def told(night: Night, name: str) -> list[str]:
    return explain(night.state, BeadId(name), night.now).splitlines()


def test_what_it_waits_for_down_to_the_cause() -> None:
    night = Night(bead("a"), bead("b", "a"), bead("x"), bead("c", "b", "x")).open().after(2).sign("a", "x")
    night.deliver("x").land("x")
    assert told(night, "c") == [
        "c (Do c): waiting since 22:00 (2.0s).",
        "It waits for 1 of the 2 beads that it needs: b (waiting).",
        "In the end that waits for a (running on w1).",
    ]


def test_what_blocks_it_and_the_way_out() -> None:
    night = Night(bead("a", tries=1), bead("b", "a"), bead("c", "b")).open().sign("a")
    night.end("a", Ending.CRASHED, "exit 1").clear()
    assert told(night, "c") == [
        "c (Do c): blocked since 22:00 (0.0s).",
        "It needs a (failed): exit 1 (tried once).",
        "The way there: c → b → a.",
        "`orchestrator retry a` tries that one again, and this one with it.",
        "The run is finished. Run it again to go on with it.",
    ]


def test_files_that_another_holds() -> None:
    night = Night(bead("a", files=("src/api/**",)), bead("b", files=("src/**/x.py",)), workers=4).open().sign("a")
    assert told(night, "b")[1:] == [
        "Its files are held by a (running on w1); where they meet: src/**/x.py, src/api/**.",
    ]


def test_routes_that_are_shut() -> None:
    night = Night(bead("a", routes=(OPUS, GPT))).open().sign("a")
    night.end("a", Ending.USAGE_LIMITED, "resets 3am", retry_at=night.now + 5 * 3600)
    night.sign("a").end("a", Ending.UNAVAILABLE, "401: bad key")
    assert told(night, "a") == [
        "a (Do a): ready since 22:00 (0.0s).",
        "Its route claude:opus is shut until Sun 03:00 (in 5h00m): resets 3am.",
        "Its route codex:gpt-5 is shut until a person resumes it (`orchestrator resume`): 401: bad key.",
    ]


def test_the_time_that_it_is_left_alone() -> None:
    night = Night(bead("a")).open().sign("a").end("a", Ending.CRASHED, "exit 1").after(1)
    (line,) = told(night, "a")[1:]
    assert line.startswith("It is left alone until 22:00 (in ")
    assert line.endswith("), because the last attempt ended so: exit 1.")


def test_no_worker_is_free() -> None:
    night = Night(bead("a"), bead("b"), bead("c"), workers=2).open().sign("a")
    assert told(night, "c")[1:] == ["No worker is free: of 2, 1 starting, 1 running."]


def test_too_many_are_starting() -> None:
    night = Night(bead("a"), bead("b"), workers=2, policy={"max_starts": 1}).open()
    assert told(night, "b")[1:] == ["No more than 1 may be starting at once."]


def test_a_paused_and_a_stopping_run() -> None:
    night = Night(bead("a"), bead("b", "a")).open().sign("a").ask(m.Verb.PAUSE)
    assert told(night, "b")[-1] == (
        "The run is paused: ada asked for it: nothing new starts until `orchestrator resume`."
    )
    night.ask(m.Verb.RESUME).ask(m.Verb.DRAIN)
    assert told(night, "b")[-1] == "The run is stopping: ada let it drain: nothing new starts."


def test_what_it_is_doing() -> None:
    night = Night(bead("a", timeout_s=600)).open().after(3).sign("a").after(60).progress("a", "editing x.py")
    assert told(night, "a") == [
        "a (Do a): running since 22:00 (1m03s).",
        "Attempt 1 on claude:opus, by w1 (running), since 22:00: editing x.py.",
        "It has 8m57s left.",
    ]


def test_its_own_checks() -> None:
    night = Night(bead("a", verify=("pytest -q",))).open().sign("a").deliver("a")
    assert told(night, "a")[1:] == [
        "Attempt 1 on claude:opus, by w1 (completing), since 22:00: its checks run.",
        "It must pass `pytest -q` in its worktree.",
    ]


def test_its_place_in_the_merge_queue() -> None:
    night = Night(bead("a"), bead("b")).open().sign("a", "b").deliver("a").deliver("b")
    assert told(night, "a")[1:] == ["It is being merged into orchestrator/overnight, and checked by `make test`."]
    assert told(night, "b")[1:] == ["It is in the merge queue behind a."]
    night.refuse("a", Ending.NOT_STARTED, "index.lock is there")
    assert told(night, "a")[1].startswith("Its landing is tried again at 22:00: index.lock is there.")


def test_a_bead_that_landed() -> None:
    night = Night(bead("a")).open().sign("a").deliver("a").land("a")
    assert told(night, "a")[1:] == [
        f"It landed on orchestrator/overnight as {commit('land a')[:12]}, by claude:opus, after 1 attempt."
    ]


def test_a_bead_that_failed() -> None:
    night = Night(bead("a", tries=1)).open().sign("a").end("a", Ending.CRASHED, "exit 1").clear()
    assert told(night, "a") == [
        "a (Do a): failed since 22:00 (0.0s).",
        "Why: exit 1 (tried once).",
        "It was started once, and 1 of its 1 tries are used up.",
        "Its work is in the branch orchestrator-work/overnight/a.",
        "Its last session is in recordings/a.1.cast.",
        "`orchestrator retry a` tries it again.",
    ]


def test_a_question() -> None:
    night = Night(bead("a")).open().sign("a").end("a", Ending.ASKED, "sqlite or postgres?")
    assert told(night, "a")[1:3] == [
        "Its agent asks: sqlite or postgres?",
        '`orchestrator answer a "…"` answers, and lets it go on.',
    ]


def test_a_bead_that_its_author_held() -> None:
    night = Night(bead("a", hold="read it first")).open()
    assert told(night, "a")[1:3] == [
        "Its author wants a person to let it go: read it first",
        "`orchestrator retry a` does.",
    ]


def test_a_bead_that_was_given_up() -> None:
    night = Night(bead("a"), bead("b", "a")).open().ask(m.Verb.ABORT, "b")
    assert told(night, "b")[1:] == ["Why: ada gave it up.", "`orchestrator retry b` takes it up again."]


def test_what_was_tried_before() -> None:
    night = Night(bead("a", routes=(OPUS, GPT))).open().sign("a").after(9)
    night.end("a", Ending.USAGE_LIMITED, "resets 3am", retry_at=night.now + 5 * 3600)
    text = explain(night.state, BeadId("a"), night.now, night.events)
    assert text.splitlines()[-3:] == [
        "What was tried:",
        "- attempt 1, claude:opus, 9.0s: usage-limited: resets 3am",
        "- attempt 2, codex:gpt-5: under way",
    ]


def test_its_turn() -> None:
    night = Night(bead("a"), bead("b", priority=3), bead("c", priority=4), workers=1)
    assert told(night.open(), "c")[1:] == ["No worker is free: of 1, 1 starting."]
