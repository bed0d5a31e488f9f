"""What looks like a failure and is none, and failures in spite of what a terminal did to them, of every program.

Each case is a recording with something put into it: texts about failures in a run that succeeds, escapes in the middle
of an event, lines wrapped elsewhere, bytes of no encoding, an end that never came.
"""

from __future__ import annotations

import json
import re
import textwrap
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.reading import OutputReader
from orchestrator.core.model import Ending, Verdict
from orchestrator.runtime.ports import Exit
from tests.agent_profiles.test_recordings import AGENTS, CLASSES, NOW, RECORDED

EVENTS = tuple(agent for agent in AGENTS if agent not in ("aider", "mini-swe-agent"))
"""Those that tell in events what they do."""

TALK = (
    "You've hit your limit · resets 4:02pm (UTC)",
    "You’ve hit your usage limit. Upgrade to Pro or try again at 3:47 PM.",
    "Claude AI usage limit reached|1795280400",
    "API Error: 401 Unauthorized: invalid api key",
    'The handler answers {"type":"error","error":{"type":"rate_limit_error"}} with 429 Too Many Requests.',
    "This model's maximum context length is 128000 tokens; prompt is too long",
    "raise litellm.RateLimitError('rate limit exceeded, retry after 30s')",
    "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided",
    '{"type":"result","subtype":"success","is_error":true,"result":"usage limit reached"}',
    '{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}',
    "assert classify('[API Error: 429 quota exceeded]') is RATE_LIMITED  # insufficient_quota too",
    "529 overloaded_error, service unavailable: I now back off as Retry-After says.",
    "stream disconnected before completion; ECONNRESET; getaddrinfo ENOTFOUND api.example",
)

LATER = "Please wait and try again later"
FAULTS = ("success", "429once", "429", "529", "usage_limit", "401", "context")


def told(agent: str, text: str) -> bytes:
    """The program's own event in which the model says this; a program without events prints it."""
    event: dict[str, Any]
    match agent:
        case "claude" | "qwen":
            event = {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}}
        case "codex":
            event = {"type": "item.completed", "item": {"id": "item_7", "type": "agent_message", "text": text}}
        case "gemini":
            event = {"type": "message", "role": "assistant", "content": text, "delta": True}
        case "opencode":
            event = {"type": "text", "sessionID": "ses_1", "part": {"type": "text", "text": text}}
        case "copilot":
            event = {"type": "assistant.message", "data": {"content": text}}
        case _:
            return text.encode() + b"\r\n"
    return json.dumps(event, ensure_ascii=False).encode() + b"\r\n"


def with_line(output: bytes, line: bytes) -> bytes:
    """Put in where the run is half done: the agent is at work, and much that it does comes after it."""
    lines = output.splitlines(keepends=True)
    half = len(lines) // 2
    return b"".join([*lines[:half], line, *lines[half:]])


def read(agent: str, output: bytes, exit: Exit, tmp_path: Path) -> Verdict:
    reader = OutputReader(Catalog({}, tmp_path).profile(agent), tmp_path / "outcome.json", local=UTC)
    for place in range(0, len(output), 65536):
        reader.feed(output[place : place + 65536])
    return reader.verdict(exit, at=NOW)


@pytest.mark.parametrize("text", TALK)
@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_that_talks_about_failures_and_succeeds_has_succeeded(agent: str, text: str, tmp_path: Path) -> None:
    recorded = RECORDED[agent, "success"]
    verdict = read(agent, with_line(recorded.output, told(agent, text)), recorded.exit, tmp_path)
    assert (verdict.ending, verdict.retry_at) == (Ending.DELIVERED, None)


@pytest.mark.parametrize("text", TALK)
def test_the_one_that_tells_failures_as_results_may_talk_about_them_as_well(text: str, tmp_path: Path) -> None:
    """Qwen says `success` of a failed request: only a result that ends with the error itself is one."""
    recorded = RECORDED["qwen", "success"]
    summary = f"The tests pass now. Before, they printed:\n[API Error: 401 no]\n{text}\nThat is mended."
    output = recorded.output.replace(b'"result":"done, all finished"', b'"result":' + json.dumps(summary).encode())
    assert output != recorded.output
    assert read("qwen", output, recorded.exit, tmp_path).ending is Ending.DELIVERED


@pytest.mark.parametrize(
    ("error", "more", "ending"),
    [
        ("429 Rate limit reached on requests", f"Possible quota limitations in place. {LATER}.", Ending.RATE_LIMITED),
        ("429 You exceeded your current quota", f"{LATER}. For more, ask for more", Ending.USAGE_LIMITED),
        ("terminated (cause: other side closed)", "", Ending.OVERLOADED),
        ("Connection error. (cause: fetch failed)", "", Ending.OVERLOADED),
    ],
)  # fmt: skip
def test_what_qwen_appends_to_an_error_does_not_make_it_a_success(
    error: str, more: str, ending: Ending, tmp_path: Path
) -> None:
    recorded = RECORDED["qwen", "401"]
    said = f"Half an answer, and then\n[API Error: {error}]" + (f"\n{more}" if more else "")
    output = re.sub(rb'"result":"[^"]*"', lambda _: b'"result":' + json.dumps(said).encode(), recorded.output)
    assert read("qwen", output, recorded.exit, tmp_path).ending is ending


def test_gemini_words_a_rate_limit_and_a_spent_day_alike(tmp_path: Path) -> None:
    """What tells them apart is whether it names a time to retry."""
    recorded = RECORDED["gemini", "429"]
    quota = "You exceeded your current quota, please check your plan and billing details."
    for tail, ending in ((r"\nSuggested retry after 34s.]", Ending.RATE_LIMITED), ("]", Ending.USAGE_LIMITED)):
        said = f'"message":"[API Error: {quota}{tail}"'.encode()
        output = re.sub(rb'"message":"\[API Error[^"]*"', lambda _, said=said: said, recorded.output)  # type: ignore[misc]
        verdict = read("gemini", output, recorded.exit, tmp_path)
        assert verdict.ending is ending
        assert verdict.retry_at == (NOW + 34 if ending is Ending.RATE_LIMITED else None)


# ---------------------------------------------------------------- what a terminal does

SETTLED = [(agent, case) for agent in AGENTS for case in FAULTS]


@pytest.mark.parametrize(("agent", "case"), SETTLED)
def test_escapes_in_the_middle_of_a_line_change_nothing(agent: str, case: str, tmp_path: Path) -> None:
    """Colours, titles, a cursor shown: after every eleventh byte that is no part of a character or of an escape."""
    recorded = RECORDED[agent, case]
    escapes = (b"\x1b[31m", b"\x1b]0;usage limit reached\x07", b"\x1b[?25h", b"\x1b[K")
    lines = []
    for number, line in enumerate(recorded.output.splitlines(keepends=True)):
        if b"\x1b" not in line and line.isascii() and len(line) > 40:
            place = 11 + number % 20
            line = line[:place] + escapes[number % 4] + line[place:]
        lines.append(line)
    assert read(agent, b"".join(lines), recorded.exit, tmp_path).ending is CLASSES[agent][case]


@pytest.mark.parametrize(("agent", "case"), SETTLED)
def test_bytes_of_no_encoding_change_nothing(agent: str, case: str, tmp_path: Path) -> None:
    recorded = RECORDED[agent, case]
    output = with_line(recorded.output, b"\xff\xfe\xc3( a file's name \x80\x81\r\n")
    output = with_line(output, told(agent, "caf@ of another time").replace(b"@", b"\xe9"))
    assert read(agent, output, recorded.exit, tmp_path).ending is CLASSES[agent][case]


@pytest.mark.parametrize("agent", AGENTS)
def test_a_line_of_5_mb_changes_nothing(agent: str, tmp_path: Path) -> None:
    recorded = RECORDED[agent, "success"]
    line = told(agent, "429 rate limit reached " * 220_000)
    assert len(line) > 5_000_000
    assert read(agent, with_line(recorded.output, line), recorded.exit, tmp_path).ending is Ending.DELIVERED


@pytest.mark.parametrize(
    ("agent", "case"),
    [("aider", case) for case in ("429", "529", "usage_limit", "credit", "401", "context", "drop", "success")],
)
def test_lines_wrapped_at_80_columns_change_nothing(agent: str, case: str, tmp_path: Path) -> None:
    """A narrower terminal than the one that was recorded: words go on in the next line, after a blank."""
    recorded = RECORDED[agent, case]
    wrapped = []
    for line in recorded.output.decode().replace("\r\n", "\n").split("\n"):
        parts = textwrap.wrap(line, 80, drop_whitespace=False) if len(line) > 80 and "\x1b" not in line else [line]
        wrapped += [part if part.endswith(" ") or part is parts[-1] else part + " " for part in parts]
    verdict = read(agent, "\r\n".join(wrapped).encode(), recorded.exit, tmp_path)
    assert verdict.ending is CLASSES[agent][case]


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("agent", EVENTS)
def test_a_stream_that_is_cut_off_is_no_success(agent: str, share: float, code: int, tmp_path: Path) -> None:
    """Whatever it exits with, and whatever it talked about: its final event is not there."""
    recorded = RECORDED[agent, "success"]
    output = with_line(recorded.output, told(agent, TALK[0]))
    profile = Catalog({}, tmp_path).profile(agent)
    last = max(output.rfind(b'{"type":"%s"' % kind) for kind in (b"result", b"turn.completed", b"step_finish"))
    verdict = read(agent, output[: min(int(len(output) * share), last + 20)], Exit(code=code), tmp_path)
    assert profile.has_final
    assert verdict.ending is Ending.CRASHED


@pytest.mark.parametrize("agent", AGENTS)
def test_retries_that_were_got_over_are_no_failure(agent: str, tmp_path: Path) -> None:
    """The recording of a run with one 429, and its notices of it three times more."""
    recorded = RECORDED[agent, "429once"]
    lines = recorded.output.splitlines(keepends=True)
    notices = [line for line in lines if re.search(rb"retry|Retrying|Reconnecting|429", line)][:3]
    output = recorded.output
    for notice in notices * 3:
        output = with_line(output, notice)
    assert read(agent, output, recorded.exit, tmp_path).ending is Ending.DELIVERED
