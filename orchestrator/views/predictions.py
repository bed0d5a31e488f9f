"""What was predicted of beads' files, and what they touched: folded from the events, bead by bead and over all."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import messages as m
from orchestrator.core.claims import escaped
from orchestrator.core.model import BeadId, Ending, Guess
from orchestrator.core.patterns import covers
from orchestrator.core.values import Struct, field

NAMED = 8
"""Files that a sentence names before it counts."""


class Prediction(Struct, frozen=True, kw_only=True):
    """Of one bead that does not say what it touches."""

    guesses: tuple[Guess, ...] = ()
    touched: tuple[str, ...] | None = None
    """By the first attempt that delivered; None: none has yet."""

    @property
    def right(self) -> tuple[str, ...]:
        """What was predicted and touched."""
        return tuple(g.path for g in self.guesses if any(covers(escaped(g.path), file) for file in self.touched or ()))

    @property
    def foreseen(self) -> tuple[str, ...]:
        """What was touched and predicted."""
        patterns = [escaped(guess.path) for guess in self.guesses]
        return tuple(file for file in self.touched or () if any(covers(pattern, file) for pattern in patterns))


class Predictions(Struct, frozen=True, kw_only=True):
    beads: dict[BeadId, Prediction] = field(default_factory=dict)

    def of(self, bead: BeadId) -> Prediction:
        return self.beads.get(bead, Prediction())

    @property
    def known(self) -> tuple[Prediction, ...]:
        """Those that can be judged."""
        return tuple(each for each in self.beads.values() if each.touched is not None)

    @property
    def precision(self) -> float | None:
        """The share of what was predicted that was touched. None: nothing was predicted."""
        return _share((len(each.right), len(each.guesses)) for each in self.known)

    @property
    def recall(self) -> float | None:
        """The share of what was touched that was predicted. None: nothing was touched."""
        return _share((len(each.foreseen), len(each.touched or ())) for each in self.known)


def predictions(events: Iterable[m.Event]) -> Predictions:
    guesses: dict[BeadId, tuple[Guess, ...]] = {}
    touched: dict[BeadId, tuple[str, ...]] = {}
    for event in events:
        match event:
            case m.PredictionAsked():
                guesses = {**dict.fromkeys(event.beads, ()), **guesses}
            case m.FilesPredicted():
                guesses[event.bead] = event.guesses
            case m.AttemptEnded(ending=Ending.DELIVERED):
                touched.setdefault(event.bead, event.files)
    return Predictions(
        beads={bead: Prediction(guesses=of_bead, touched=touched.get(bead)) for bead, of_bead in guesses.items()}
    )


def _share(parts: Iterable[tuple[int, int]]) -> float | None:
    pairs = tuple(parts)
    whole = sum(whole for _, whole in pairs)
    return sum(part for part, _ in pairs) / whole if whole else None


def in_words(found: Predictions) -> str:
    """Empty where nothing was predicted that is known to be right or wrong."""
    known = found.known
    if found.precision is None and not any(each.touched for each in known):
        return ""
    right, guessed = sum(len(each.right) for each in known), sum(len(each.guesses) for each in known)
    foreseen, touched = sum(len(each.foreseen) for each in known), sum(len(each.touched or ()) for each in known)
    return (
        f"Predicted files of {_count(len(known), 'bead')} that named none: {right} of {guessed} were touched"
        f"{_percent('precision', found.precision)}, and of {_count(touched, 'file')} that they touched {foreseen} were"
        f" predicted{_percent('recall', found.recall)}."
    )


def told(found: Prediction) -> list[str]:
    """Of one bead, in sentences."""
    if not found.guesses:
        return []
    guesses = [f"{guess.path} ({guess.confidence:.0%}, {guess.why})" for guess in found.guesses]
    lines = [f"It says nothing of its files; predicted were {_some(guesses)}."]
    if found.touched is not None:
        beyond = [file for file in found.touched if file not in found.foreseen]
        lines.append(
            f"Of these it touched {_some(found.right) or 'none'}"
            + (f"; beyond them {_some(beyond)}." if beyond else ".")
        )
    return lines


def _percent(name: str, share: float | None) -> str:
    return "" if share is None else f" ({name} {share:.0%})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _some(names: Iterable[str]) -> str:
    each = list(names)
    return ", ".join(each[:NAMED]) + (f" and {len(each) - NAMED} more" if len(each) > NAMED else "")
