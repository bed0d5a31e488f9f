"""A prompt typed into an interactive agent arrives whole, and Enter is taken once."""

from __future__ import annotations

import sys

from orchestrator.core.messages import Progressed
from orchestrator.sessions.pasting import ENTER, Pace, Paste, Phase, pasted
from tests.adapters.sessions.conftest import Stage, until

PACE = Pace(pause_s=0.3, patience_s=3.0, proof_s=5.0)

# Reads as interactive agents do: raw, a paste in one piece, and deaf to an Enter within `deaf_s` of it.
AGENT = r"""
import os, sys, termios, time, tty
deaf_s, ignored = float(sys.argv[1]), int(sys.argv[2])
tty.setraw(0)
sys.stdout.write("\x1b[?2004h\x1b[2Jwelcome\r\nsign:started\r\n> ")
sys.stdout.flush()
text, pasted_at = b"", None
while True:
    text += os.read(0, 65536)
    if pasted_at is None:
        if b"\x1b[201~" in text:
            prompt = text[text.index(b"\x1b[200~") + 6 : text.index(b"\x1b[201~")]
            text, pasted_at = text[text.index(b"\x1b[201~") + 6 :], time.monotonic()
            sys.stdout.write("[Pasted %d characters]" % len(prompt))
            sys.stdout.flush()
    if pasted_at is not None and b"\r" in text:
        text = b""
        if time.monotonic() - pasted_at < deaf_s:
            continue
        if ignored:
            ignored -= 1
            continue
        open("prompt", "wb").write(prompt)
        sys.stdout.write("\r\nsign:working\r\n")
        sys.stdout.flush()
        time.sleep(0.1)
        sys.exit(0)
"""


def test_the_paste_goes_out_when_the_screen_rests_then_enter_then_the_proof() -> None:
    paste = Paste("do it", PACE)
    paste.heard(0, sign=False)
    assert (paste.phase, paste.due) == (Phase.COMING_UP, float("inf"))
    paste.up(1)
    paste.heard(1.2, sign=False)
    assert paste.next(1.4) == ""
    assert paste.next(1.5) == pasted("do it")
    paste.heard(1.6, sign=False)
    assert paste.next(1.8) == ""
    assert paste.next(1.95) == ENTER
    paste.heard(2.0, sign=False)
    assert paste.phase is Phase.TAKEN
    assert paste.next(100) == ""


def test_a_screen_that_never_rests_is_not_waited_for_for_ever_and_proves_nothing() -> None:
    paste, typed = Paste("do it", PACE), []
    paste.up(0)
    for tenth in range(200):
        typed += [(tenth / 10, text)] if (text := paste.next(tenth / 10)) else []
        paste.heard(tenth / 10, sign=False)
    assert [(at, text == ENTER) for at, text in typed] == [(3, False), (6, True), (11, True), (16, True)]
    paste.heard(20.5, sign=True)
    assert paste.phase is Phase.TAKEN


def test_enter_is_pressed_three_times_at_most() -> None:
    paste, typed = Paste("do it", PACE), []
    paste.up(0)
    while paste.due < float("inf"):
        typed.append(paste.next(paste.due))
    assert typed == [pasted("do it"), ENTER, ENTER, ENTER, ""]
    assert paste.phase is Phase.GIVEN_UP


def test_a_paste_cannot_be_ended_by_its_own_text() -> None:
    assert pasted("a\x1b[201~b\r\nc") == "\x1b[200~a[201~b\nc\x1b[201~"


def agent(stage: Stage, prompt: str, *, deaf_s: float = 0.12, ignored: int = 0) -> bytes:
    (stage.cwd / "agent.py").write_text(AGENT)
    show = stage.play(stage.launch(sys.executable, "agent.py", str(deaf_s), str(ignored), paste=prompt))
    assert show.ended().code == 0
    assert [signal.note for signal in show.all(Progressed)][-1] == "working"
    assert '"i","\\u001b[200~' in show.cast.read_text()
    return (stage.cwd / "prompt").read_bytes()


def test_a_real_agent_that_ignores_an_early_enter_gets_the_prompt(stage: Stage) -> None:
    assert agent(stage, "Add a /health endpoint.\nWith tests — please.") == (
        "Add a /health endpoint.\nWith tests — please.".encode()
    )


def test_a_real_agent_that_missed_enter_gets_another(stage: Stage) -> None:
    assert agent(stage, "do it", ignored=1) == b"do it"


def test_a_long_prompt_arrives_whole(stage: Stage) -> None:
    prompt = "\n".join(f"line {number} of a long prompt" for number in range(6000))
    assert agent(stage, prompt) == prompt.encode()


def test_a_prompt_that_nobody_reads_does_not_hang_the_session(stage: Stage) -> None:
    show = stage.play(stage.launch("/bin/sh", "-c", "stty raw; echo sign:started; sleep 60", paste="x" * 1_000_000))
    until(lambda: any("nothing answered" in signal.note for signal in show.all(Progressed)), "it to be given up")
    show.session.end("enough", 5)
    assert show.ended().forced
