"""The small languages inside of a manifest: durations, money, priorities, patterns, names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.model import Claim
from orchestrator.manifest import names
from orchestrator.manifest.faults import Unfit, nearest
from orchestrator.manifest.patterns import claim
from orchestrator.manifest.quantities import parse_duration, parse_money, parse_priority


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45m", 2700),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("90s", 90),
        ("2d", 172800),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("2m", 120),
        ("90", 90),
        ("0", 0),
        ("0.25", 0.25),
        (" 5 s ", 5),
        ("1d2h3m4s5ms", 93784.005),
    ],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["", " ", "m", "1x", "30m1h", "1m1m", "-5s", "+5", "1e3", "1:30", "1,5h", "1h30", "\u0661s", "5min", "1.h", ".5h"],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(Unfit, match="is not a duration"):
        parse_duration(text)


@given(days=st.integers(0, 99), hours=st.integers(0, 99), minutes=st.integers(0, 999), ms=st.integers(0, 99999))
def test_durations_add_up_their_parts(days: int, hours: int, minutes: int, ms: int) -> None:
    text = f"{days}d{hours}h{minutes}m{ms}ms"
    assert parse_duration(text) == pytest.approx(days * 86400 + hours * 3600 + minutes * 60 + ms / 1000)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_unfit(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except Unfit:
        return
    assert seconds >= 0


@pytest.mark.parametrize(("text", "usd"), [("50", 50), ("$50", 50), ("$ 2.50", 2.5), ("0", 0)])
def test_money(text: str, usd: float) -> None:
    assert parse_money(text) == usd


@pytest.mark.parametrize("text", ["", "-1", "50€", "1,000", "1e3", ".inf", "nan", "$"])
def test_no_money(text: str) -> None:
    with pytest.raises(Unfit):
        parse_money(text)


@pytest.mark.parametrize(("text", "priority"), [("P0", 0), ("p4", 4), ("0", 0), ("3", 3)])
def test_a_priority(text: str, priority: int) -> None:
    assert parse_priority(text) == priority


@pytest.mark.parametrize("text", ["P5", "5", "-1", "", "PP1", "00", "1.0", "true"])
def test_no_priority(text: str) -> None:
    with pytest.raises(Unfit):
        parse_priority(text)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("src/api/**", Claim(pattern="src/api/**")),
        ("read:docs/**", Claim(pattern="docs/**", shared=True)),
        ("read: docs/", Claim(pattern="docs/", shared=True)),
        ("./src/a.py", Claim(pattern="src/a.py")),
        ("src", Claim(pattern="src")),
        ("**/[!a-z]*.p?", Claim(pattern="**/[!a-z]*.p?")),
        ("a/[]]b", Claim(pattern="a/[]]b")),
        ("**", Claim(pattern="**")),
        ("with space/ü.txt", Claim(pattern="with space/ü.txt")),
        (".github/workflows/", Claim(pattern=".github/workflows/")),
    ],
)
def test_a_pattern(text: str, made: Claim) -> None:
    assert claim(text) == made


@pytest.mark.parametrize(
    "text",
    ["", ".", "./", "/a", "~/a", "..", "a/..", "a\\b", "a**", "**a/b", "a***", "[", "a[!]", "[^]", "!a", "a\nb",
     "a\x7fb", "a//b", "a/./b", "read:", "read:/a", "c:/a", ".git", ".git/hooks/**"],
)  # fmt: skip
def test_no_pattern(text: str) -> None:
    with pytest.raises(Unfit, match="bad pattern"):
        claim(text)


@pytest.mark.parametrize("text", ["a", "A-1.b_c", "007", "1e3", "no", "x" * 100, "app-1.2.3", "a.b"])
def test_a_safe_id(text: str) -> None:
    assert names.check_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a/b",
        ".a",
        "-a",
        "_a",
        "a..b",
        "a.",
        "a.lock",
        "a.LOCK",
        "x" * 101,
        "é",
        "a\n",
        "a:b",
        "a~b",
        "\u0663",
    ],
)
def test_an_unsafe_id(text: str) -> None:
    with pytest.raises(Unfit, match="cannot be a branch and a file name"):
        names.check_id(text)


@given(st.text(max_size=130))
def test_a_derived_id_is_safe(text: str) -> None:
    assert names.check_id(names.derived_id(text))


def test_a_derived_id_keeps_letters_and_leaves_their_accents() -> None:
    assert names.derived_id("\u00fcberblick heute") == "uberblick-heute"
    assert names.derived_id("u\u0308ber") == "uber"


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_a_safe_name_is_derived_from_itself_but_for_its_end(text: str) -> None:
    assert names.derived_id(text) == text.rstrip("_-")


@pytest.mark.parametrize("text", ["main", "orchestrator/night", "feature/a.b", "a@b", "ü", "a-b/c_d", "@a"])
def test_a_branch(text: str) -> None:
    assert names.check_branch(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "@", "HEAD", "-a", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b", "/a", "a/", "a//b",
     "a.", ".a", "a/.b", "a.lock", "a.lock/b", "a\tb", "refs/heads/main", "a\x7f"],
)  # fmt: skip
def test_no_branch(text: str) -> None:
    with pytest.raises(Unfit, match="cannot be a branch"):
        names.check_branch(text)


@pytest.mark.parametrize("text", ["claude", "claude:opus", "or:vendor/model:free", "my-agent.2:x"])
def test_a_route(text: str) -> None:
    assert names.check_route(text) == text


@pytest.mark.parametrize("text", ["", ":", ":opus", "claude:", "claude:a b", "cla ude:x", "run", "run:x", "a/b:c"])
def test_no_route(text: str) -> None:
    with pytest.raises(Unfit, match="is not a route"):
        names.check_route(text)


def test_the_nearest_name_keeps_its_spelling() -> None:
    assert nearest("CLAUD", ["Claude", "codex"]) == "Claude"
    assert nearest("zzz", ["Claude", "codex"]) == ""
