"""The report: what landed, what did not, what to decide; honest about what nobody checked, priced or proved."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RouteName
from orchestrator.runtime.findings import Finding
from orchestrator.views.history import history
from orchestrator.views.report import as_dict, report
from orchestrator.views.report_text import as_markdown
from tests.views.nights import GPT, OPUS, Night, bead, commit, failed_night, skipped

GOLDEN = Path(__file__).parent / "golden"


def text(night: Night) -> str:
    return as_markdown(report(night.state, night.events))


def section(report_text: str, title: str) -> str:
    return report_text.partition(f"## {title}\n\n")[2].partition("\n## ")[0].strip()


def test_a_failed_night() -> None:
    assert text(failed_night()) == (GOLDEN / "report.md").read_text()


def test_the_first_line_says_what_is_true() -> None:
    assert text(failed_night()).splitlines()[0] == "# 9 of 12 beads landed; 2 failed, 1 is blocked."


def test_as_data_it_says_the_same() -> None:
    told = as_dict(report(failed_night().state, failed_night().events))
    json.dumps(told, allow_nan=False)
    assert told["summary"] == "9 of 12 beads landed; 2 failed, 1 is blocked."
    assert told["totals"]["landed"] == 9
    by_id = {each["id"]: each for each in told["undone"]}
    assert set(by_id) == {"payments", "mail", "release"}
    assert by_id["payments"]["branch"] == "orchestrator-work/overnight/payments"
    assert by_id["payments"]["recordings"] == ["recordings/payments.1.cast", "recordings/payments.2.cast"]
    assert by_id["payments"]["command"] == "orchestrator retry payments"
    assert [each["outcome"] for each in by_id["payments"]["attempts"]] == ["checks-failed", "checks-failed"]
    assert by_id["release"]["causes"] == [{"id": "payments", "state": "failed"}]
    assert told["effort"]["endings"] == {"delivered": 10, "checks-failed": 2, "crashed": 1}
    assert told["effort"]["refused_by_merge"] == 1
    assert (told["effort"]["usd"], told["effort"]["unpriced"]) == (1.9, 2)
    assert told["proof"] is None


def test_without_checks_it_says_that_nothing_was_checked() -> None:
    night = Night(bead("a"), verify=()).open().sign("a").deliver("a").land("a")
    assert "**No checks are configured (`verify` is empty): nothing but the merge itself was checked.**" in text(night)


def test_checks_that_nothing_came_to_are_not_said_to_have_passed() -> None:
    night = Night(bead("a")).open().sign("a")
    assert "A merged tree must pass `make test` before the target moves to it." in text(night)


def test_a_question_waits_for_its_answer() -> None:
    night = Night(bead("a"), bead("b", "a")).open().sign("a").after(60)
    night.end("a", Ending.ASKED, "Which database?\n1) sqlite 2) postgres").clear()
    assert section(text(night), "To decide") == (
        "- **a** (Do a) asks: Which database? 1) sqlite 2) postgres\n"
        "  - waiting for it: b\n"
        "  - attempt 1, claude:opus, 1m00s: asked: Which database? 1) sqlite 2) postgres\n"
        f"  - its work: branch `orchestrator-work/overnight/a`, last saved as `{commit('saved a')[:12]}`\n"
        "  - its last session: `.git/orchestrator/recordings/a.1.cast`\n"
        '  - answer: `orchestrator answer a "…"`'
    )


def test_what_its_author_held_waits_for_release() -> None:
    night = Night(bead("a", hold="read the text first")).open()
    assert section(text(night), "To decide") == (
        "- **a** (Do a) is held: read the text first\n  - let it go: `orchestrator retry a`"
    )


def test_what_was_cancelled_and_what_was_no_part_of_it() -> None:
    left_out = skipped(old="done", later="its status is deferred", older="done")
    night = Night(bead("a"), bead("b", "a"), skipped=left_out).open().ask(m.Verb.PAUSE)
    night.sign("a").ask(m.Verb.ABORT, "a").end("a", Ending.STOPPED).clear()
    assert section(text(night), "Also not done") == (
        "- **a** (Do a) is cancelled: ada gave it up; try again: `orchestrator retry a`\n"
        "- **b** (Do b) is blocked: it needs a (cancelled)\n"
        "- not part of the run (done): old, older\n"
        "- not part of the run (its status is deferred): later"
    )


def test_what_needed_nothing_is_said_apart() -> None:
    night = Night(bead("a")).open().sign("a").end("a", Ending.NO_CHANGE_NEEDED, "the endpoint is there already")
    night.tell(m.Collected(at=night.now, token=night.token("a"), commit=None))
    assert section(text(night.clear()), "Nothing was needed") == "- **a** (Do a): the endpoint is there already"
    assert "git log" not in text(night)


def test_what_stood_on_the_target_already() -> None:
    night = Night(bead("a"), landed={BeadId("a"): commit("old")}).open()
    assert section(text(night), "Landed") == "On the target since before this run: a."


def test_a_death_of_the_orchestrator_counts_against_no_time() -> None:
    """The hour in which nobody was there is neither the night's nor the agent's."""
    night = Night(bead("a")).open().sign("a").after(60).progress("a", "works").dead(3600).open(swept=1)
    night.tell(m.Saved(at=night.now, token=night.token("a"), commit=None))
    night.after(2).sign("a").after(38).deliver("a").land("a")
    past = history(night.events)
    assert past.deaths == 1
    assert past.wall_s == 100
    assert past.agent_s == 100
    assert [(each.number, each.ending, each.seconds) for each in past.of(BeadId("a"))] == [
        (1, Ending.LOST, 60.0),
        (2, Ending.DELIVERED, 40.0),
    ]
    assert "The orchestrator itself died once, and went on where it was" in text(night)


def test_an_orderly_stop_is_no_death() -> None:
    night = Night(bead("a")).open().sign("a").after(60).ask(m.Verb.STOP).end("a", Ending.STOPPED)
    night.dead(3600).open()
    assert history(night.events).deaths == 0
    assert history(night.events).wall_s == 60


def test_a_pause_with_nothing_under_way_is_no_death() -> None:
    night = Night(bead("a"), bead("b", "a")).open().sign("a").ask(m.Verb.PAUSE).deliver("a").land("a")
    night.dead(3600).open()
    assert history(night.events).deaths == 0


def test_breakers_that_opened_are_told() -> None:
    night = Night(bead("a", routes=(OPUS, GPT))).open().sign("a").after(10)
    night.end("a", Ending.USAGE_LIMITED, "resets 3am", retry_at=night.now + 5 * 3600)
    took = section(text(night), "What it took")
    assert "- anthropic was shut at 2026-11-21 22:00 until Sun 03:00: resets 3am" in took
    assert "- Attempts: 2 (1 usage-limited, 1 under way)" in took


def test_the_proof_is_shown_with_what_does_not_hold() -> None:
    night = Night(bead("a")).open().sign("a").deliver("a").land("a")
    findings = [Finding(holds=True, claim="none is there twice"), Finding(holds=False, claim="no lock", detail="a")]
    told = as_markdown(report(night.state, night.events, findings))
    assert section(told, "Proof") == "- holds: none is there twice\n- **does not hold**: no lock: a"
    assert section(text(night), "Proof") == "Not proved. `orchestrator prove` holds all this against git."


def test_a_command_of_ones_own_has_no_cost_to_be_known() -> None:
    spec = bead("fmt", prompt=None, command="ruff format", routes=(RouteName("run"),))
    night = Night(spec).open().sign("fmt").after(5).deliver("fmt").land("fmt")
    assert "| fmt | Do fmt |" in text(night)
    assert "| none |" in section(text(night), "Landed")
    assert "- Cost: none" in section(text(night), "What it took")


def test_titles_cannot_break_the_table() -> None:
    night = Night(bead("a", title="a | b\n<script>")).open().sign("a").deliver("a").land("a")
    assert r"| a | a \| b &lt;script> |" in text(night)


def test_a_run_that_never_opened() -> None:
    night = Night(bead("a"))
    assert text(night).startswith("# None of 1 bead landed so far; 1 is still to come.")
    assert "- Time: none" in text(night)
