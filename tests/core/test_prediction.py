"""What is likely: from what a prompt names, from history, and from like changes."""

from __future__ import annotations

import pytest

from orchestrator.core.prediction import Change, Evidence, Foresight, Sight, hints, words

FILES = ("src/api/routes.py", "src/api/health.py", "src/core/locks.py", "tests/test_locks.py", "docs/guide.md",
         "a/x.py", "b/x.py")  # fmt: skip


def guesses(
    text: str, *changes: tuple[str, str], sights: dict[str, Sight] | None = None, labels: tuple[str, ...] = ()
) -> dict[str, float]:
    """`changes` are a message and its files, the newest first."""
    past = [Change(words=words(message), files=tuple(files.split())) for message, files in changes]
    found = Foresight(Evidence(files=FILES, changes=past)).of(hints(text), sights or {}, labels)
    return {guess.path: guess.confidence for guess in found}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("Fix src/api/routes.py.", ("src/api/routes.py",)),
        ("See `./docs/guide.md`, and tests/", ("docs/guide.md", "tests")),
        ("e.g. version 1.2.3 of https://example.org/a/b.html", ()),
        ("Write to ada@example.org and/or nobody", ("and/or",)),
        ("in orchestrator.core.locks", ("orchestrator.core.locks",)),
    ],
)
def test_paths_that_a_text_names(text: str, paths: tuple[str, ...]) -> None:
    """No links, addresses, versions or abbreviations; whether something is there under a name is another question."""
    assert hints(text).paths == paths


def test_symbols_that_a_text_names() -> None:
    """By their spelling, or because it marks them as code."""
    assert hints("Let `grant` of ReadyQueue call take_lock() and MAX_TRIES, not Go").names == (
        "grant", "ReadyQueue", "take_lock", "MAX_TRIES",
    )  # fmt: skip


def test_a_file_that_is_named_is_all_but_certain() -> None:
    """By its path, by the end of it, as a module; one of two namesakes is as likely as the other."""
    assert guesses("Fix src/api/routes.py")["src/api/routes.py"] > 0.9
    assert guesses("Fix routes.py")["src/api/routes.py"] > 0.85
    assert guesses("Fix core.locks")["src/core/locks.py"] > 0.85
    found = guesses("Fix x.py")
    assert found["a/x.py"] == found["b/x.py"]
    assert 0.4 < found["a/x.py"] < 0.5


def test_a_file_that_is_to_be_made() -> None:
    """Where its folder is said as well; and and/or is none."""
    assert guesses("Add src/api/users.py")["src/api/users.py"] == pytest.approx(0.8)
    assert guesses("Print this and/or that") == {}


def test_a_folder_that_is_named() -> None:
    """It is claimed whole."""
    assert guesses("Tidy src/api")["src/api"] == pytest.approx(0.6)


def test_who_defines_a_symbol_is_likelier_than_who_uses_it() -> None:
    """And the fewer there are, the likelier."""
    sights = {"grant": Sight(defined=("src/core/locks.py",), used=("a/x.py", "b/x.py"))}
    found = guesses("`grant` is slow", sights=sights)
    assert found["src/core/locks.py"] >= 0.7
    assert found["a/x.py"] == found["b/x.py"] < 0.3


def test_what_history_changes_together_is_likely_together() -> None:
    """The more often, and the more lately, the likelier; a change of everything says nothing."""
    together = ("one", "src/core/locks.py tests/test_locks.py")
    alone = ("two", "src/core/locks.py")
    often = guesses("Fix src/core/locks.py", together, together, together, alone)["tests/test_locks.py"]
    seldom = guesses("Fix src/core/locks.py", together, alone, alone, alone)["tests/test_locks.py"]
    assert often > 0.5 > seldom
    late = guesses("Fix src/core/locks.py", *[together] * 9, *[alone] * 90)["tests/test_locks.py"]
    early = guesses("Fix src/core/locks.py", *[alone] * 90, *[together] * 9).get("tests/test_locks.py", 0.0)
    assert late > early
    wide = ("three", " ".join((*FILES, *(f"f{n}" for n in range(30)))))
    assert "docs/guide.md" not in guesses("Fix src/core/locks.py", wide, wide)


def test_what_like_changes_have_changed_is_likely() -> None:
    """Words that every change has say nothing; labels are words as well."""
    past = [("Explain webhooks in the guide", "docs/guide.md"), *[(f"Tune number {n}", "a/x.py") for n in range(20)]]
    assert guesses("Explain webhooks better", *past)["docs/guide.md"] > 0.5
    assert guesses("Better", *past, labels=("webhooks",))["docs/guide.md"] > 0.3
    assert "docs/guide.md" not in guesses("Tune it", *past)


def test_reasons_add_up_and_never_to_more_than_certainty() -> None:
    """The likeliest comes first, with its strongest reason."""
    past = [("Mend the locks", "src/core/locks.py")] * 5
    found = Foresight(Evidence(files=FILES, changes=[Change(words=words(a), files=(b,)) for a, b in past])).of(
        hints("Mend the locks in src/core/locks.py"), {}
    )
    assert found[0].path == "src/core/locks.py"
    assert 0.95 < found[0].confidence <= 1.0
    assert [guess.confidence for guess in found] == sorted((guess.confidence for guess in found), reverse=True)


def test_nothing_is_known_of_an_empty_repository() -> None:
    """And nothing breaks."""
    assert Foresight(Evidence(files=(), changes=())).of(hints("Begin"), {}) == ()
