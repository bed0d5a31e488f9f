"""A screen is looked at when it rests, as a person sees it; dialogs are answered by rule, the rest is a question."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestrator.core.messages import Progressed, Questioned, Typed
from orchestrator.core.values import replace
from orchestrator.runtime.ports import Dialog, EventFile, ScreenRules
from orchestrator.sessions.dialogs import MOST_ANSWERS, Dialogs, question_in
from orchestrator.sessions.event_files import EventFiles
from orchestrator.sessions.screen import REST_S, Screen
from tests.adapters.sessions.conftest import Stage, until

RECORDINGS = Path(__file__).parents[2] / "data" / "recordings"
RULES = ScreenRules(
    ready=re.compile(r"(?m)^> $"),
    asks=re.compile(r"(?m)^> \d\. "),
    dialogs=(Dialog(shows=re.compile(r"Trust this folder\?"), keys="y"),),
)


def drawn(*chunks: bytes) -> Screen:
    screen = Screen(60, 10)
    for chunk in chunks:
        screen.feed(chunk, 0.0)
    return screen


def test_words_are_where_the_cursor_put_them_and_what_was_painted_over_is_gone() -> None:
    screen = drawn(b"Trust this folder?\x1b[2J\x1b[H\x1b[3;5H\x1b[1;32mWhich\x1b[3;11Hone?\x1b[0m")
    assert screen.text() == "    Which one?"


def test_sequences_that_the_emulator_does_not_know_leave_no_letters() -> None:
    """Keyboard protocols, underline colours, device strings; and those that a chunk cuts in two."""
    screen = drawn(
        b"\x1b[>1u\x1b[<u\x1b[=5;1u\x1b[4:3mone\x1bP+q544e\x1b\\ \x1b]0;title\x07two\x1b",
        b"[>4;1m three\x1b[?20",
        b"04h",
    )
    assert screen.text() == "one two three"
    assert screen.takes_pastes


def test_a_flood_is_drawn_from_its_end() -> None:
    screen = drawn(b"x" * 10_000_000, b"\x1b[2J\x1b[HDone?")
    assert screen.text() == "Done?"


def test_it_is_looked_at_when_it_rests_and_once() -> None:
    screen = Screen(20, 5)
    assert screen.due == float("inf")
    screen.feed(b"a", 10.0)
    screen.feed(b"b", 11.0)
    assert screen.due == 11.0 + REST_S
    assert screen.text() == "ab"
    assert screen.due == float("inf")


def test_a_rule_goes_before_a_question_and_a_question_before_a_prompt() -> None:
    dialogs = Dialogs(RULES)
    assert dialogs.look("Trust this folder?\n> 1. Yes\n> ").keys == "y"
    asked = dialogs.look("Which?\n> 1. this\n  2. that\n> ")
    assert (asked.ready, asked.question) == (False, "Which?\n> 1. this\n  2. that\n>")
    assert dialogs.look("Which?\n> 1. this\n  2. that (50%)").question is None, "the same question, redrawn"
    gone = dialogs.look("> ")
    assert (gone.ready, gone.question) == (True, "")


def test_a_dialog_that_comes_back_for_ever_is_a_question_at_last() -> None:
    dialogs = Dialogs(RULES)
    text = "Trust this folder?\n> 1. Yes"
    assert [dialogs.look(text).keys for _ in range(MOST_ANSWERS + 1)] == ["y"] * MOST_ANSWERS + [""]


def test_frames_are_no_part_of_a_question() -> None:
    assert question_in("╭────╮\n│ Why? │\n╰────╯\n\n") == "  Why?"


def test_what_stood_in_a_file_before_is_another_sessions(tmp_path: Path) -> None:
    """Of many files the one whose first object says so is read, from where this session begins."""
    old, mine, other = tmp_path / "a-old.jsonl", tmp_path / "a-mine.jsonl", tmp_path / "a-other.jsonl"
    old.write_text('{"place": {"cwd": "here"}}\n{"n": 1}\n')
    files = EventFiles([EventFile(path=str(tmp_path / "a-*.jsonl"), mine={"place.cwd": "here"})])
    assert files.lines() == b""
    mine.write_text('{"place": {"cwd": "here"}}\n{"n": 2')
    other.write_text('{"place": {"cwd": "there"}}\n{"n": 3}\n')
    assert files.lines() == b'{"place": {"cwd": "here"}}\n'
    with mine.open("a") as file:
        file.write("}\n")
    with old.open("a") as file:
        file.write('{"n": 4}\n')
    assert files.lines().splitlines() == [b'{"n": 2}', b'{"n": 4}']
    follow = tmp_path / "named.jsonl"
    follow.write_text('{"n": 5}\n')
    files.follow(str(follow))
    with follow.open("a") as file:
        file.write('{"n": 6}\n')
    assert files.lines() == b'{"n": 6}\n'


def test_a_session_answers_its_dialogs_tells_its_questions_and_types_answers(stage: Stage) -> None:
    """With keys where a question is on the screen, whatever is wanted of pastes."""
    program = r"""
printf '\033[?2004h\033[2J\033[HTrust this folder?'
stty raw -echo; dd bs=1 count=1 2>/dev/null; printf '\033[2J\033[HWhich?\r\n> 1. this\r\n  2. that'
answer=$(dd bs=1 count=1 2>/dev/null); printf "\033[2J\033[Hit is $answer\r\n"; sleep 1; printf 'bye'; sleep 1
"""
    show = stage.play(replace(stage.launch("/bin/sh", "-c", program), screen=RULES))
    asked = show.first(Questioned)
    assert asked.question == "Which?\n> 1. this\n  2. that"
    show.session.type("2", 7)
    until(lambda: len(show.all(Questioned)) == 2, "the question to be gone")
    assert show.all(Questioned)[1].question == ""
    assert (show.first(Typed).turn, show.first(Typed).fault) == (7, "")
    show.ended()
    assert "it is 2" in show.reader.heard.decode()
    assert any("answered by rule: Trust this folder?" in signal.note for signal in show.all(Progressed))
    keys = [json.loads(line)[2] for line in show.cast.read_text().splitlines()[1:] if json.loads(line)[1] == "i"]
    assert keys == ["y", "2"], "no Enter: the next screen is another one's"


@pytest.mark.parametrize(
    ("program", "recording", "shows"),
    [
        ("claude", "tui_trust", "trust this folder"),
        ("claude", "tui1", "Claude Code"),
        ("codex", "tui1", "OpenAI Codex"),
    ],
)
def test_what_real_programs_drew_can_be_read(program: str, recording: str, shows: str) -> None:
    """A recorded terminal, up to where these words stood on it: they are words again."""
    data = (RECORDINGS / program / f"{recording}.raw").read_bytes()
    seen = ""
    screen = Screen(120, 40)
    for at in range(0, min(len(data), 60_000), 1000):
        screen.feed(data[at : at + 1000], 0.0)
        seen += screen.text() + "\n"
    assert shows in seen
    assert "\x1b" not in seen
