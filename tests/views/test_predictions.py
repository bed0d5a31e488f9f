"""What was predicted, held against what was touched."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, Guess, RouteName, Token, Usage, WorkerId
from orchestrator.views.predictions import in_words, predictions, told


def asked(*beads: str) -> m.Event:
    return m.PredictionAsked(at=1.0, round=1, beads=tuple(map(BeadId, beads)))


def predicted(bead: str, *paths: str) -> m.Event:
    guesses = tuple(Guess(path=path, confidence=0.6, why="named") for path in paths)
    return m.FilesPredicted(at=2.0, bead=BeadId(bead), guesses=guesses)


def ended(bead: str, *files: str, ending: Ending = Ending.DELIVERED) -> m.Event:
    return m.AttemptEnded(
        at=3.0, token=Token(1), bead=BeadId(bead), number=1, worker=WorkerId("w1"), route=RouteName("x"),
        ending=ending, reason="", seconds=1.0, usage=Usage(), files=files,
    )  # fmt: skip


def test_precision_and_recall_over_all_beads_that_delivered() -> None:
    """A folder is right where one of its files was touched. Beads without a guess count for recall."""
    found = predictions([
        asked("a", "b", "c"), predicted("a", "src", "docs/x"), predicted("c", "never"), ended("named", "y"),
        ended("a", "half", ending=Ending.CRASHED), ended("a", "src/1", "src/2", "more"), ended("a", "later"),
        ended("b", "z"),
    ])  # fmt: skip
    assert found.precision == pytest.approx(1 / 2)
    assert found.recall == pytest.approx(2 / 4)
    assert in_words(found) == (
        "Predicted files of 2 beads that named none: 1 of 2 were touched (precision 50%), and of 4 files that they "
        "touched 2 were predicted (recall 50%)."
    )


def test_of_one_bead_in_sentences() -> None:
    """What was likely and why, what of it was touched, and what beyond."""
    found = predictions([asked("a"), predicted("a", "src", "docs/x"), ended("a", "src/1", "more")])
    assert told(found.of(BeadId("a"))) == [
        "It says nothing of its files; predicted were src (60%, named), docs/x (60%, named).",
        "Of these it touched src; beyond them more.",
    ]
    assert told(found.of(BeadId("b"))) == []


def test_nothing_is_said_where_nothing_was_predicted() -> None:
    """As before there were predictions."""
    found = predictions([ended("a", "x")])
    assert in_words(found) == ""
    assert (found.precision, found.recall) == (None, None)
