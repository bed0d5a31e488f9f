"""Recordings are valid, bounded, free of secrets, and never in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.sessions.redaction import HIDDEN, Redaction, secrets_of
from orchestrator.sessions.transcript import Title, Transcript, join_all
from tests.adapters.sessions.conftest import Stage

TITLE = Title(title="bead 1 agent:model", columns=120, rows=40, timestamp=1_700_000_000.5, term="xterm")


def lines(path: Path) -> tuple[dict[str, Any], list[tuple[float, str, str]]]:
    """The header and the events; fails if any line is not JSON."""
    header, *events = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return header, [tuple(event) for event in events]


@pytest.fixture
def times() -> Iterator[float]:
    return iter(number / 4 for number in range(1_000_000))


def test_a_recording_is_an_asciicast(tmp_path: Path, times: Iterator[float]) -> None:
    transcript = Transcript(tmp_path / "deep" / "bead.1.cast", TITLE, elapsed=times.__next__)
    transcript.output("hä".encode()[:2])
    transcript.output("hä".encode()[2:] + b"\x1b[1m\r\n\xff")
    transcript.input("\r")
    transcript.mark("a note")
    transcript.output(b"\xe2\x82")
    transcript.close()
    header, events = lines(tmp_path / "deep" / "bead.1.cast")
    assert header == {
        "version": 2,
        "width": 120,
        "height": 40,
        "timestamp": 1_700_000_000,
        "title": "bead 1 agent:model",
        "env": {"TERM": "xterm", "SHELL": "/bin/sh"},
    }
    assert events == [
        (0.0, "o", "h"),
        (0.25, "o", "ä\x1b[1m\r\n\ufffd"),
        (0.5, "i", "\r"),
        (0.75, "m", "a note"),
        (1.0, "o", "\ufffd"),
    ]


def test_every_line_is_on_the_disk_at_once(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "cast", TITLE)
    transcript.output(b"one")
    assert lines(tmp_path / "cast")[1][-1][2] == "one"
    transcript.close()


@pytest.mark.parametrize("count", [200, 1_000])
def test_a_recording_keeps_its_head_and_its_tail_and_says_what_is_missing(tmp_path: Path, count: int) -> None:
    transcript = Transcript(tmp_path / "cast", TITLE, cap_bytes=4_000)
    for number in range(count):
        transcript.output(f"line {number}\r\n".encode())
    transcript.close()
    _, events = lines(tmp_path / "cast")
    assert events[0][2] == "line 0\r\n"
    assert events[-1][2] == f"line {count - 1}\r\n"
    [gap] = [place for place, event in enumerate(events) if event[1] == "m"]
    assert 20 < gap < len(events) - 20
    assert "missing" in events[gap][2]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    assert 3_000 < (tmp_path / "cast").stat().st_size < 4_200
    assert [file.name for file in tmp_path.iterdir()] == ["cast"]


def test_an_end_that_a_death_left_apart_is_joined_later(tmp_path: Path) -> None:
    """Only its owner may read it, before and after."""
    transcript = Transcript(tmp_path / "cast", TITLE, cap_bytes=4_000)
    for number in range(500):
        transcript.output(f"line {number}\r\n".encode())
    assert len(list(tmp_path.iterdir())) == 3
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    join_all(tmp_path)
    _, events = lines(tmp_path / "cast")
    assert (events[0][2], events[-1][2]) == ("line 0\r\n", "line 499\r\n")
    assert [file.name for file in tmp_path.iterdir()] == ["cast"]
    assert (tmp_path / "cast").stat().st_mode & 0o777 == 0o600
    transcript.close()


def test_a_full_disk_gives_the_recording_up() -> None:
    transcript = Transcript(Path("/dev/full"), TITLE)
    assert "No space left" in transcript.fault
    transcript.output(b"on")
    transcript.close()


def test_secrets_are_the_values_of_variables_named_like_one() -> None:
    env = {
        "ANTHROPIC_API_KEY": "sk-ant-0123456789",
        "GITHUB_TOKEN": "sk-ant-0123456789-longer",
        "ORCHESTRATOR_TOKEN": "1234567890",
        "DB_PASSWORD": "short",
        "SSH_AUTH_SOCK": "/tmp/agent.socket",
        "EDITOR": "vi-improved",
    }
    assert secrets_of(env) == ("sk-ant-0123456789-longer", "sk-ant-0123456789")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 100])
def test_a_secret_is_hidden_however_it_is_cut(size: int) -> None:
    redact = Redaction(("s3cret-s3cret-x", "s3cret"))
    text = "a s3cret-s3cret-x, s3cre no, s3cret-s3cret-y s3"
    pieces = [redact(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*pieces, redact.rest()]) == f"a {HIDDEN}, s3cre no, {HIDDEN}-{HIDDEN}-y s3"


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_secrets_that_overlap_or_contain_each_other_are_hidden(size: int) -> None:
    redact = Redaction(("abcabd", "cdefgh", "abc"))
    text = "abcabcabd xabcdefgh cdefg"
    pieces = [redact(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*pieces, redact.rest()]) == f"{HIDDEN}{HIDDEN} x{HIDDEN}defgh cdefg"


def test_no_key_of_the_environment_is_recorded(stage: Stage) -> None:
    show = stage.play(stage.launch("env", env={"AGENT_API_KEY": "sk-1234567890"}))
    show.ended()
    assert b"sk-1234567890" in show.reader.heard
    assert "sk-1234567890" not in show.cast.read_text()
    assert f"AGENT_API_KEY={HIDDEN}" in show.cast.read_text()


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("ACME_API_KEY", "0123456789", ("0123456789",)),
        ("ACME_SETTING", "0123456789", ()),
        ("ACME_SETTING", "ghp_0123456789", ("ghp_0123456789",)),
        ("HTTPS_PROXY", "http://me:secret-word@proxy:8080", ("secret-word",)),
        ("AUTH_URL", "https://accounts.example/authorize", ()),
        ("SSH_KEY", "/home/ann/.ssh/id", ()),
        ("ACME_API_KEY", "short", ()),
    ],
)
def test_a_secret_is_known_by_its_name_its_shape_or_its_place_in_an_address(
    name: str, value: str, hidden: tuple[str, ...]
) -> None:
    assert secrets_of({name: value}) == hidden
