"""Agents on a terminal for people, scripted: dialogs by rule, questions by a person, silence spoken to."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.e2e.night import Night, wait_for
from tests.e2e.test_nights import states

TUI = rf"""#!{sys.executable}
import json, os, select, sys, tty

events = sys.argv[1]
out = lambda text: (sys.stdout.write(text), sys.stdout.flush())
tell = lambda **event: open(events, "a").write(json.dumps(event) + "\n")

def draw(*lines):
    # As they do: a cleared screen, words placed by the cursor, colours in between.
    out("\x1b[?25l\x1b[2J\x1b[H")
    for row, line in enumerate(lines):
        words = line.split(" ")
        column = 1
        for word in words:
            out(f"\x1b[{{row + 2}};{{column}}H\x1b[38;5;75m{{word}}\x1b[0m")
            column += len(word) + 1

def keys(wanted):
    got = b""
    while not any(each in got for each in wanted):
        got += os.read(0, 65536)
    return got

tty.setraw(0)
out("\x1b[?2004h\x1b[>1u\x1b[c")
draw("Do you trust this folder?", "❯ 1. Yes", "  2. No")
keys([b"\r"])
draw("Welcome", "❯ ")
tell(event="up", session="s1")
got = keys([b"\x1b[201~"])
if b"\r" not in got.split(b"\x1b[201~")[1]:
    keys([b"\r"])
prompt = got.split(b"\x1b[200~")[1].split(b"\x1b[201~")[0].decode()
tell(event="prompt")
draw("❯ " + prompt.split("\n")[0], "", "Thinking…")
if prompt.startswith("colour"):
    draw("Which colour shall it be?", "❯ 1. red", "  2. blue", "Enter to confirm")
    answer = keys([b"1", b"2", b"lue"]).decode()
    open("colour.txt", "w").write(answer)
elif prompt.startswith("A person answers"):
    open("colour.txt", "w").write(prompt)
elif "colour" in prompt:
    open("colour.txt", "w").write(prompt)
elif prompt.startswith("wait"):
    for turn in range(100000):
        if select.select([0], [], [], 0.1)[0]:
            open("woken.txt", "w").write(os.read(0, 65536).decode())
            break
        out("\x1b[4;1H" + "|/-\\"[turn % 4])
draw("Done.", "❯ ")
tell(event="end")
keys([b"/exit"])
keys([b"\r"])
"""

PROFILE: dict[str, Any] = {
    "command": ["./agent.sh", "{scratch}/events.jsonl"],
    "resume": ["./agent.sh", "{scratch}/events.jsonl", "{session}"],
    "continues": True,
    "typed": True,
    "stream": "screen",
    "started": "event",
    "leave": "/exit",
    "event_files": [{"path": "{scratch}/events.jsonl"}],
    "screen": {
        "ready": "(?m)^❯",
        "asks": r"(?m)^❯ \d\. ",
        "dialogs": [{"shows": r"Do you trust this folder\?", "keys": "\r"}],
    },
    "events": [
        {"when": {"event": "up"}, "started": True, "session": "session"},
        {"when": {"event": "prompt"}, "taken": True},
        {"when": {"event": "end"}, "final": True, "ending": "delivered"},
    ],
}


def write(night: Night, prompt: str, profile: dict[str, Any] | None = None, **more: Any) -> None:
    bead = {"id": "a", "prompt": prompt, **more.pop("bead", {})}
    night.write({"name": "night", "beads": [bead], **more}, agent=TUI)
    text = night.manifest.read_text()
    whole = json.loads(text)
    whole["agents"] = {"sh": {**PROFILE, **(profile or {})}}
    night.manifest.write_text(json.dumps(whole))


def held(night: Night) -> str:
    """Why the bead is held; fails if it is not soon."""
    wait_for(lambda: states(night).get("a") == "held")
    return str(night.look("status")["beads"][0]["reason"])


def _log(night: Night) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]


def test_an_answer_is_typed_into_the_session_that_asked(night: Night) -> None:
    """The bead is held with the screen as text; its session is still the first one when it lands."""
    write(night, "colour\nAsk me which.")
    run = night.start()
    wait_for(night.has_begun)
    question = held(night)
    assert "Which colour shall it be?" in question
    assert "2. blue" in question
    assert "\x1b" not in question
    answered = night.orchestrator("answer", "a", "2", "--repo", str(night.repository))
    assert "typed into its session" in answered.stdout, answered.stdout + answered.stderr
    assert run.wait(60) == 0
    assert night.git("show", "orchestrator/night:colour.txt") == "2"
    assert night.look("status")["beads"][0]["attempts"] == 1
    assert not night.left_over()


def test_a_question_that_nobody_answers_in_time_frees_its_worker_and_is_answered_later(night: Night) -> None:
    """The run ends; the answer waits for the next start, which resumes the session with it."""
    write(night, "colour\nAsk me which.", question_wait="500ms")
    assert night.run().returncode == 1
    assert states(night) == {"a": "held"}
    assert not night.left_over()
    night.orchestrator("answer", "a", "blue", "--repo", str(night.repository))
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "A person answers:\n\nblue" in night.git("show", "orchestrator/night:colour.txt")


@pytest.mark.parametrize(("wish", "state"), [("answer:2", "done"), ("fail", "failed")])
def test_a_night_without_anybody(night: Night, wish: str, state: str) -> None:
    """`--on-question` answers, or fails the bead; nobody is waited for."""
    write(night, "colour\nAsk me which.", question_wait="1h")
    done = night.run("--on-question", wish)
    assert states(night) == {"a": state}, done.stdout + done.stderr
    if state == "done":
        assert night.git("show", "orchestrator/night:colour.txt") == "2"


def test_silence_is_spoken_to_and_the_agent_goes_on(night: Night) -> None:
    """A spinner is no life. One nudge wakes it, and it lands at its first attempt."""
    write(night, "wait\nfor ever.", {"nudge": "Are you still there?"}, bead={"silence": "2s"})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Are you still there?" in night.git("show", "orchestrator/night:woken.txt")
    (nudged,) = [line for line in _log(night) if line["event"] == "session.nudged"]
    assert "no event" in nudged["evidence"]


def test_silence_without_a_nudge_ends_the_session_with_its_evidence(night: Night) -> None:
    """What was measured is in the event, the log and the report."""
    write(night, "wait\nfor ever.", bead={"silence": "2s", "tries": 1})
    done = night.run()
    assert states(night) == {"a": "failed"}, done.stdout + done.stderr
    (given_up,) = [line for line in _log(night) if line["event"] == "session.given_up"]
    assert "no event" in given_up["reason"]
    assert "processor time" in given_up["reason"]
    report = (night.state / "reports" / "night.md").read_text()
    assert "processor time" in report
    assert not night.left_over()
