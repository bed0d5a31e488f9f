"""Which files a bead will touch, where its author does not say: how likely each is, and why.

From what its prompt names (paths, symbols), from what history changes together with those, and from what earlier
changes with like words and labels have changed. Knows no git: evidence is given to it. What becomes of a guess, and how
likely one has to be, is `decide.predicting`'s.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import log, prod, sqrt

from orchestrator.core.model import Guess
from orchestrator.core.values import Struct

LEAST = 0.1
"""Below this nothing is told of."""
MOST = 40
"""Guesses that are told of one bead, the likeliest first."""
HALF_LIFE = 200
"""Changes after which an earlier one counts half."""
WIDE = 30
"""A change of more files than this says little of each: a rename, a licence header, a formatter."""
NEIGHBOURS = 10
"""Earlier changes with like words that are asked."""
NAMES = 20
"""Symbols of one prompt that are looked for, the first."""


class Hints(Struct, frozen=True, kw_only=True):
    """What a text names, read off its words alone."""

    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """What may be a symbol of the code."""
    words: tuple[str, ...] = ()
    """Its other words by their stems, as often as they are used."""


class Sight(Struct, frozen=True, kw_only=True):
    """Where a symbol stands."""

    defined: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    """Files that do not define it."""


class Change(Struct, frozen=True, kw_only=True):
    """An earlier one: what it was said to be, and what it changed."""

    words: tuple[str, ...]
    files: tuple[str, ...]


class Evidence(Struct, frozen=True, kw_only=True):
    """Of one commit."""

    files: Sequence[str]
    """All that it tracks."""
    changes: Sequence[Change]
    """That led to it, the newest first."""


# ---------------------------------------------------------------- what a text names

_PATH = re.compile(
    r"(?<![\w:/.@-])(?:\./)?(?:[\w@+-][\w@.+-]*(?:/[\w@.+-]+)+/?|[\w@+-][\w@.+-]*/(?![\w/])|\.?[\w+-]+(?:\.[\w+-]+)+)"
)
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_NAME = re.compile(
    r"`([A-Za-z_][\w.]*)(?:\(\))?`|\b([A-Za-z_]\w*)\(\)|\b([a-z0-9]+(?:_[a-z0-9]+)+|_\w{3,}|[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+"
    r"|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[a-z]+(?:[A-Z][a-z0-9]+)+)\b"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\S+@\S+\.\w+")
_ABBREVIATED = frozenset({"e.g", "i.e", "a.m", "p.m", "etc.", "vs."})


@lru_cache(maxsize=4096)
def hints(text: str) -> Hints:
    text = _LINK.sub(" ", text)
    found = (each.removeprefix("./").rstrip("./") for each in _PATH.findall(text))
    paths = [path for path in found if re.search(r"[A-Za-z]", path) and path not in _ABBREVIATED]
    names = [next(filter(None, each)).rpartition(".")[2] for each in _NAME.findall(text)]
    return Hints(
        paths=tuple(dict.fromkeys(paths)),
        names=tuple(dict.fromkeys(name for name in names if len(name) > 3))[:NAMES],
        words=words(text),
    )


def words(text: str) -> tuple[str, ...]:
    """By their stems, camel case and snake case taken apart."""
    return tuple(_stem(word.lower()) for word in _WORD.findall(text) if len(word) > 2)


def _stem(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) > 2 and not word.endswith("ss"):
            return word.removesuffix(ending) + instead
    return word


# ---------------------------------------------------------------- what is likely


class Foresight:
    """Guesses from one piece of evidence: what is computed of it once serves every bead."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._files = frozenset(evidence.files)
        self._folders = Counter(folder for file in evidence.files for folder in _above(file))
        self._ends: dict[str, list[str]] = defaultdict(list)
        for file in evidence.files:
            self._ends[file.rpartition("/")[2]].append(file)
            self._ends[_without_ending(file.rpartition("/")[2])].append(file)
        narrow = [(place, change) for place, change in enumerate(evidence.changes) if len(change.files) <= WIDE]
        self._changes = narrow
        self._of_file: dict[str, list[int]] = defaultdict(list)
        for at, (_, change) in enumerate(narrow):
            for file in change.files:
                self._of_file[file].append(at)
        in_how_many = Counter(word for _, change in narrow for word in set(change.words))
        paths = {file: frozenset(words("/".join(file.split("/")[-2:]))) for file in evidence.files}
        in_how_many.update(word for named in paths.values() for word in named)
        total = len(narrow) + len(paths) + 1
        self._rarity = {word: log(total / times) for word, times in in_how_many.items()}
        self._paths = paths
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for at, (_, change) in enumerate(narrow):
            for word in set(change.words):
                self._by_word[word].append(at)
        self._files_by_word: dict[str, list[str]] = defaultdict(list)
        for file, named in paths.items():
            for word in named:
                self._files_by_word[word].append(file)

    def of(self, said: Hints, sights: Mapping[str, Sight], labels: Iterable[str] = ()) -> tuple[Guess, ...]:
        """`sights` by symbol."""
        found = _Chances()
        for path in said.paths:
            self._named(path, found)
        for name in said.names:
            if name in sights:
                _seen(name, sights[name], found)
        asked = Counter((*said.words, *(word for label in labels for word in words(label))))
        self._alike(asked, found)
        self._called(asked, found)
        seeds = {file: chance for file, chance in found.likely(0.4).items() if file in self._of_file}
        self._together(seeds, found)
        return found.told()

    def _named(self, path: str, found: _Chances) -> None:
        """A path in the prompt: a file, a folder, the end of some files' paths, or a file that is to be made."""
        if path in self._files:
            found.add(path, 0.95, "named", "named")
        elif path in self._folders:
            found.add(path, 0.6 if self._folders[path] <= WIDE else 0.3, "folder named", "named")
        else:
            wanted = path.replace(".", "/") if "/" not in path and not self._ends.get(path) else path
            ends = [
                file
                for file in self._ends.get(wanted.rpartition("/")[2], ())
                if f"/{file}".endswith(f"/{wanted}") or f"/{_without_ending(file)}".endswith(f"/{wanted}")
            ]
            for file in ends:
                found.add(file, 0.9 / len(ends), "named", "named")
            if not ends and _ENDING.search(path):
                found.add(path, 0.8 if "/" in path else 0.4, "named, to be made", "named")

    def _alike(self, asked: Counter[str], found: _Chances) -> None:
        """What earlier changes with like words have changed."""
        scores: dict[int, float] = defaultdict(float)
        for word, times in asked.items():
            weight = self._rarity.get(word, 0.0)
            for at in self._by_word.get(word, ()):
                scores[at] += weight * weight * min(times, 3)
        length = sqrt(sum((self._rarity.get(word, 0.0) * min(times, 3)) ** 2 for word, times in asked.items())) or 1.0
        near = []
        for at, score in scores.items():
            place, change = self._changes[at]
            own = sqrt(sum(self._rarity.get(word, 0.0) ** 2 for word in set(change.words))) or 1.0
            near.append((score / (length * own) * _weight(place) ** 0.25, at))
        nearest = sorted(near, reverse=True)[:NEIGHBOURS]
        whole = sum(score for score, _ in nearest)
        if not whole:
            return
        sure = min(1.0, 1.5 * nearest[0][0])
        shares: dict[str, float] = defaultdict(float)
        for score, at in nearest:
            for file in self._changes[at][1].files:
                shares[file] += score / whole
        for file, share in shares.items():
            found.add(file, sure * share, "like changes", "alike")

    def _called(self, asked: Counter[str], found: _Chances) -> None:
        """Files whose own names are among the words."""
        scores: dict[str, float] = defaultdict(float)
        for word in asked:
            for file in self._files_by_word.get(word, ()):
                scores[file] += self._rarity.get(word, 0.0) ** 2
        for file, score in scores.items():
            own = sqrt(sum(self._rarity.get(word, 0.0) ** 2 for word in self._paths[file])) or 1.0
            share = sqrt(score) / own
            if share > 0.6:
                found.add(file, 0.3 * share, "named alike", "called")

    def _together(self, seeds: Mapping[str, float], found: _Chances) -> None:
        """What history changes together with what is likely already."""
        for seed, chance in seeds.items():
            times: dict[str, float] = defaultdict(float)
            whole = 1.0  # a file that changed once, with one other, proves little
            for at in self._of_file[seed]:
                place, change = self._changes[at]
                whole += _weight(place)
                for file in change.files:
                    if file != seed:
                        times[file] += _weight(place)
            for file, weight in times.items():
                found.add(file, chance * weight / whole, f"changes with {seed}", "together")


def _seen(name: str, sight: Sight, found: _Chances) -> None:
    for file in sight.defined:
        found.add(file, 0.7 / sqrt(len(sight.defined)), f"defines {name}", "symbol")
    for file in sight.used:
        found.add(file, 0.3 / sqrt(len(sight.used)), f"uses {name}", "symbol")


class _Chances:
    """Reasons of different kinds add to each other; of one kind the strongest counts."""

    def __init__(self) -> None:
        self._reasons: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)

    def add(self, path: str, chance: float, why: str, kind: str) -> None:
        reasons = self._reasons[path]
        if chance > reasons.get(kind, (0.0, ""))[0]:
            reasons[kind] = (min(chance, 1.0), why)

    def of(self, path: str) -> float:
        return 1.0 - prod(1.0 - chance for chance, _ in self._reasons[path].values())

    def likely(self, least: float) -> dict[str, float]:
        return {path: chance for path in self._reasons if (chance := self.of(path)) >= least}

    def told(self) -> tuple[Guess, ...]:
        best = sorted(self.likely(LEAST).items(), key=lambda each: (-each[1], each[0]))[:MOST]
        return tuple(
            Guess(path=path, confidence=round(chance, 3), why=max(self._reasons[path].values())[1])
            for path, chance in best
        )


def _weight(place: int) -> float:
    return float(0.5 ** (place / HALF_LIFE))


def _above(file: str) -> Iterator[str]:
    while "/" in file:
        file = file.rpartition("/")[0]
        yield file


def _without_ending(path: str) -> str:
    return _ENDING.sub("", path)
