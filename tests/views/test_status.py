"""`status`: the shape that programs rely on, and a table for people."""

from __future__ import annotations

import io
import json

from rich.console import Console

from orchestrator.core import messages as m
from orchestrator.core.messages import Sampled
from orchestrator.core.model import BeadId, Ending, Host, Sample
from orchestrator.views.status import status
from orchestrator.views.status_text import render_status
from tests.views.nights import GPT, OPUS, Night, bead, commit, failed_night


def test_the_contract() -> None:
    night = Night(bead("health", routes=(OPUS, GPT)), bead("docs", "health")).open().after(2).sign("health")
    told = status(night.state)
    assert set(told) == {"run", "beads", "workers", "routes", "pools", "totals", "push", "pull_requests", "flaky"}
    run = {key: told["run"][key] for key in ("name", "state", "started_at", "target")}
    assert run == {
        "name": "overnight", "state": "running", "started_at": "2026-11-21T22:00:00.000Z",
        "target": "orchestrator/overnight",
    }  # fmt: skip
    keys = ("id", "title", "state", "attempts", "reason", "route", "commit")
    assert [{key: each[key] for key in keys} for each in told["beads"]] == [
        {
            "id": "health", "title": "Do health", "state": "running", "attempts": 1, "reason": None,
            "route": "claude:opus", "commit": None,
        },
        {
            "id": "docs", "title": "Do docs", "state": "waiting", "attempts": 0, "reason": None,
            "route": None, "commit": None,
        },
    ]  # fmt: skip
    assert [{key: each[key] for key in ("id", "state", "bead", "pid", "health")} for each in told["workers"]] == [
        {"id": "w1", "state": "running", "bead": "health", "pid": 5001, "health": None},
        {"id": "w2", "state": "idle", "bead": None, "pid": None, "health": None},
    ]
    assert [{key: each[key] for key in ("route", "breaker", "retry_at")} for each in told["routes"]] == [
        {"route": "claude:opus", "breaker": "closed", "retry_at": None},
        {"route": "codex:gpt-5", "breaker": "closed", "retry_at": None},
    ]
    totals = {key: told["totals"][key] for key in ("done", "failed", "blocked", "running", "waiting", "usd", "tokens")}
    assert totals == {"done": 0, "failed": 0, "blocked": 0, "running": 1, "waiting": 1, "usd": None, "tokens": None}
    json.dumps(told, allow_nan=False)


def test_what_nobody_said_is_null_and_what_was_said_is_not() -> None:
    night = Night(bead("a")).open().sign("a")
    night.progress("a", "works", usd=0.0)
    assert status(night.state)["totals"]["usd"] == 0.0
    night.progress("a", "works", usd=0.3, tokens_out=10)
    assert (status(night.state)["totals"]["usd"], status(night.state)["totals"]["tokens"]) == (0.3, 10)
    night.deliver("a")
    assert status(night.state)["totals"]["usd"] == 0.3
    assert status(night.state)["beads"][0]["usd"] == 0.3


def test_a_shut_route_says_when_it_is_asked_again() -> None:
    night = Night(bead("a")).open().sign("a")
    night.end("a", Ending.USAGE_LIMITED, "resets 3am", retry_at=night.now + 5 * 3600)
    (route,) = status(night.state)["routes"]
    assert (route["breaker"], route["retry_at"], route["reason"]) == ("open", route["retry_at"], "resets 3am")
    assert "2026-11-22T03:00:00" <= route["retry_at"] < "2026-11-22T03:00:05"


def test_a_route_that_is_shut_for_good_has_no_time() -> None:
    night = Night(bead("a")).open().sign("a").end("a", Ending.UNAVAILABLE, "401: bad key")
    (route,) = status(night.state)["routes"]
    assert (route["breaker"], route["retry_at"]) == ("open", None)


def test_a_failed_night() -> None:
    told = status(failed_night().state)
    totals = told["totals"]
    assert (totals["done"], totals["landed"], totals["failed"], totals["blocked"]) == (9, 9, 2, 1)
    assert totals["unpriced"] == 2
    assert told["run"]["state"] == "finished"
    assert told["run"]["summary"] == "9 of 12 beads landed; 2 failed, 1 is blocked."
    reasons = {each["id"]: each["reason"] for each in told["beads"] if each["reason"]}
    assert reasons == {
        "payments": "`pytest -q tests/payments` failed (tried 2 times)",
        "mail": "exit 1: out of memory (tried once)",
        "release": "needs payments",
    }


def table(night: Night, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(render_status(night.state, night.now))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_table_for_people() -> None:
    night = Night(bead("health"), bead("docs", "health"), bead("mail"), workers=3, policy={"max_starts": 3})
    night.open().after(2).sign("health", "mail").progress("mail", "thinking").after(60).deliver("health").land("health")
    assert table(night) == (
        "1 of 3 beads landed so far; 2 are under way.\n"
        "overnight  → orchestrator/overnight                          1m02s  cost unknown\n"
        "━━━━━━━━━━━━━━━━━━━━━━━╸                                                1/3 done\n"
        "2 running\n"
        "w1 docs Do docs           claude:opus starting  0.0s its agent starts\n"
        "w2 mail Do mail           claude:opus running  1m02s thinking\n"
        "\n"
        "bead    state      for  attempts  commit   why, or what it is\n"
        "health  done      0.0s         1  a153837  Do health\n"
        "docs    running   0.0s         1           Do docs\n"
        "mail    running  1m02s         1           Do mail\n"
        "1 of 3 workers are idle"
    )


def test_of_many_beads_only_the_telling_ones_are_shown() -> None:
    night = Night(*(bead(f"b{n}") for n in range(100)), bead("asks", hold="which colour?")).open()
    text = table(night)
    assert "asks" in text
    assert "98 more are done, ready or waiting" in text


def test_what_stood_on_the_target_already_is_done() -> None:
    night = Night(bead("a"), bead("b", "a"), landed={BeadId("a"): commit("old")}).open()
    first, second = status(night.state)["beads"]
    assert (first["state"], first["commit"], first["attempts"]) == ("done", commit("old"), 0)
    assert second["state"] == "running"


def test_a_run_that_is_stopping_says_so() -> None:
    night = Night(bead("a")).open().sign("a").ask(m.Verb.DRAIN)
    told = status(night.state)["run"]
    assert (told["state"], told["stopping"], told["reason"]) == ("running", True, "ada let it drain")
    assert "stopping: ada let it drain" in table(night)


def test_health_is_shown_with_its_weakest_part() -> None:
    """Of workers that were measured; of the others nothing is made up."""
    night = Night(bead("a"), bead("b")).open().after(2).sign("a")
    token = night.state.beads[BeadId("a")].token
    assert token is not None
    sample = Sample(
        token=token, processes=2, stopped=2, cpu_share=0.5, cpu_s=1.0, memory=2**20, descriptors=3, read=0, written=0,
        said_s=1.0, wrote_s=1.0, quiet_s=1.0,
    )  # fmt: skip
    told = Sampled(at=0.0, samples=(sample,), host=Host(memory=2**30, descriptors=100))
    worker, *others = status(night.state, told)["workers"]
    assert (worker["health"], worker["weakest"]) == (0.7, "liveness")
    assert worker["health_parts"]["liveness"]["reason"] == "all of its processes are stopped"
    assert all(other["health"] is None for other in others)
    json.dumps(worker, allow_nan=False)
    out = io.StringIO()
    Console(file=out, width=120).print(render_status(night.state, 0.0, told))
    assert "0.70" in out.getvalue()
    assert "liveness: all of its processes are stopped" in out.getvalue()
