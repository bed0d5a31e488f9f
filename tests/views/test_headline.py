"""The one sentence that says how it went."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending
from orchestrator.views.headline import headline
from orchestrator.views.spending import Spending, cost_in_short, cost_in_words
from tests.views.nights import Night, bead, commit, failed_night


def test_a_failed_night_is_not_made_nicer() -> None:
    assert headline(failed_night().state) == "9 of 12 beads landed; 2 failed, 1 is blocked."


def test_a_good_night() -> None:
    night = Night(bead("a"), bead("b")).open().sign("a", "b").deliver("a").land("a").deliver("b").land("b")
    assert headline(night.state) == "All 2 beads landed."


def test_nothing_landed() -> None:
    night = Night(bead("a", tries=1), bead("b", "a")).open().sign("a").end("a", Ending.CRASHED, "x").clear()
    assert headline(night.state) == "None of 2 beads landed; 1 failed, 1 is blocked."


def test_a_bead_that_needed_nothing_did_not_land() -> None:
    night = Night(bead("a"), bead("b")).open().sign("a", "b").deliver("a").land("a")
    night.end("b", Ending.NO_CHANGE_NEEDED, "it is there already")
    night.tell(m.Collected(at=night.now, token=night.token("b"), commit=None))
    assert headline(night.state.__class__.replay(night.events)) == ("All 2 beads are done: 1 landed, 1 needed nothing.")


def test_a_run_that_goes_on() -> None:
    night = Night(bead("a"), bead("b", "a"), bead("c", "b")).open().sign("a").deliver("a").land("a")
    assert headline(night.state) == "1 of 3 beads landed so far; 1 is under way, 1 is still to come."


def test_a_run_that_a_person_stopped() -> None:
    night = Night(bead("a"), bead("b", "a")).open().sign("a").ask(m.Verb.STOP).end("a", Ending.STOPPED)
    assert headline(night.state) == ("None of 2 beads landed; 2 are still to come. The run is stopped: ada stopped it.")


def test_a_bead_that_waits_for_a_person() -> None:
    night = Night(bead("a", hold="read it"), bead("b")).open().sign("b").deliver("b").land("b")
    assert headline(night.state) == "1 of 2 beads landed; 1 waits for a person."


def test_nothing_to_do() -> None:
    assert headline(Night().open().state) == "There was nothing to do."


def test_beads_that_were_on_the_target_count() -> None:
    night = Night(bead("a"), landed={BeadId("a"): commit("old")}).open()
    assert headline(night.state) == "The only bead is done: 1 stood on the target already."


def test_unknown_cost_is_not_zero() -> None:
    assert cost_in_words(Spending(usd=None, tokens=None, unpriced=3)) == "cost unknown"
    assert cost_in_words(Spending(usd=None, tokens=None, unpriced=0)) == ""
    assert cost_in_words(Spending(usd=1.2, tokens=None, unpriced=0)) == "$1.20"
    assert cost_in_words(Spending(usd=1.2, tokens=None, unpriced=3)) == "$1.20 known, 3 attempts said no cost"
    assert cost_in_words(Spending(usd=1.2, tokens=None, unpriced=1)) == "$1.20 known, 1 attempt said no cost"
    assert cost_in_short(Spending(usd=1.2, tokens=None, unpriced=3)) == "$1.20 + 3 unknown"
