"""Whether two patterns could ever meet: decided exactly, against a search through all short paths."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.patterns import covers, meet

NAMES = ["".join(letters) for length in (1, 2) for letters in product("ab", repeat=length)]


def paths(names: list[str], deepest: int) -> list[str]:
    return ["/".join(chosen) + "/" for depth in range(1, deepest + 1) for chosen in product(names, repeat=depth)]


PATHS = paths(NAMES, 4)
DEEP = paths(["a", "b"], 6)


def matching(pattern: str) -> re.Pattern[str]:
    """The language again, said differently: a pattern as a regular expression for it and all below it."""
    parts = []
    for segment in pattern.split("/"):
        if segment == "**":
            parts.append("(?:[^/]+/)*")
            continue
        text = re.escape(segment).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        parts.append(f"(?=[^/]){text}/")
    return re.compile("".join(parts) + "(?:[^/]+/)*")


segments = st.sampled_from(["a", "b", "ab", "a*", "*a", "*", "?", "?b", "a?", "*b*", "**"])
patterns = st.lists(segments, min_size=1, max_size=2).map("/".join)
deep_patterns = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=3).map("/".join)


@settings(max_examples=300, deadline=None)
@given(patterns, patterns)
def test_two_patterns_meet_when_some_path_is_covered_by_both(one: str, other: str) -> None:
    """All paths are tried that are as deep as both together: what is covered deeper is covered there."""
    first, second = matching(one), matching(other)
    assert meet(one, other) == any(first.fullmatch(path) and second.fullmatch(path) for path in PATHS)


@settings(max_examples=300, deadline=None)
@given(deep_patterns, deep_patterns)
def test_patterns_of_several_segments_meet_likewise(one: str, other: str) -> None:
    """With names of one letter, and paths twice as deep."""
    first, second = matching(one), matching(other)
    assert meet(one, other) == any(first.fullmatch(path) and second.fullmatch(path) for path in DEEP)


@settings(max_examples=300, deadline=None)
@given(patterns, st.sampled_from(PATHS))
def test_a_pattern_covers_what_it_matches_and_all_below(pattern: str, path: str) -> None:
    """The same answer as the regular expression's."""
    assert covers(pattern, path.rstrip("/")) == bool(matching(pattern).fullmatch(path))


@settings(max_examples=200, deadline=None)
@given(patterns, patterns)
def test_it_does_not_matter_which_is_named_first(one: str, other: str) -> None:
    """Meeting is mutual."""
    assert meet(one, other) == meet(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/a/**", "src/**/x.py", True),
        ("src/a.py", "src/b.py", False),
        ("src", "src/deep/down.py", True),
        ("src/", "src/a.py", True),
        ("./src//a.py", "src/a.py", True),
        ("src/*.py", "src/*.md", False),
        ("src/[ab].py", "src/[bc].py", True),
        ("src/[ab].py", "src/[cd].py", False),
        ("src/[!a].py", "src/[ab].py", True),
        ("src/[!a].py", "src/[a].py", False),
        ("src/[^a].py", "src/a.py", False),
        ("src/[a-f]x", "src/[e-z]x", True),
        ("src/[a-c]x", "src/[d-z]x", False),
        ("src/[]a]", "src/]", True),
        ("src/[a", "src/[a", True),
        ("docs/**/x", "docs/x", True),
        (".", "anything/at/all", True),
        ("**", "a/b", True),
        ("test_*.py", "*_test.py", True),
        ("a?c", "abbc", False),
        ("src/api", "src/apis", False),
    ],
)
def test_patterns_of_real_manifests(one: str, other: str, expected: bool) -> None:
    """Directories, classes, runs of characters, spellings of the same path."""
    assert meet(one, other) is expected
    assert meet(other, one) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src", "src/a/b.py", True),
        ("src/**", "src/a/b.py", True),
        ("src/*", "src/a/b.py", True),
        ("src/*.py", "src/a/b.py", False),
        ("**/b.py", "src/a/b.py", True),
        ("**/b.py", "b.py", True),
        ("src/a", "src", False),
        ("src/[ab]/*", "src/a/x", True),
    ],
)
def test_what_a_pattern_covers(pattern: str, path: str, expected: bool) -> None:
    """A pattern covers the path itself, or a directory above it."""
    assert covers(pattern, path) is expected
