"""Events are read out of a terminal's bytes, whatever else is in them, and prose about failures is no failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.reading import OutputReader
from orchestrator.agents.stream import Lines, objects, shown
from orchestrator.core.model import Ending, Usage
from orchestrator.core.values import replace
from orchestrator.runtime.ports import Exit, Sign
from tests.agent_profiles.conftest import Read

NOW = 1_795_271_400.0
RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"

INIT = {"type": "system", "subtype": "init", "session_id": "s-1"}
GOOD = {
    "type": "result", "subtype": "success", "is_error": False, "result": "All done.", "session_id": "s-1",
    "total_cost_usd": 0.5, "usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 2},
}  # fmt: skip

TRAPS = (
    "You've hit your limit · resets 4:02pm (UTC)",
    "API Error: 401 Unauthorized: invalid api key",
    "This model's maximum context length is 128000 tokens; prompt is too long",
    "Claude AI usage limit reached|1795280400",
    "429 Too Many Requests: rate limit exceeded, retry after 30s",
    "529 overloaded_error, service unavailable",
    '{"type":"result","subtype":"success","is_error":true,"result":"usage limit reached"}',
)


def said(text: str) -> dict[str, Any]:
    return {"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}


def stream(*events: Any) -> bytes:
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\r\n" for event in events)


@pytest.mark.parametrize("trap", TRAPS)
def test_an_agent_that_talks_about_limits_and_succeeds_has_succeeded(reader: Read, trap: str) -> None:
    read = reader("claude")
    tool = {"type": "user", "message": {"content": [{"type": "tool_result", "content": trap}]}}
    read.feed(stream(INIT, said(trap), tool, said(trap), GOOD | {"result": trap}))
    assert read.verdict(Exit(code=0), at=NOW).ending is Ending.DELIVERED


@pytest.mark.parametrize("trap", TRAPS)
def test_so_has_one_whose_last_words_on_the_screen_are_about_limits(reader: Read, trap: str) -> None:
    read = reader("codex")
    read.feed(stream({"type": "thread.started", "thread_id": "t"}, {"type": "turn.completed"}))
    read.feed(trap.encode() + b"\r\n")
    assert read.verdict(Exit(code=0), at=NOW).ending is Ending.DELIVERED


@pytest.mark.parametrize("trap", TRAPS)
def test_an_agent_that_dies_while_it_talks_about_limits_has_crashed(reader: Read, trap: str) -> None:
    read = reader("claude")
    read.feed(stream(INIT, said(trap)))
    verdict = read.verdict(Exit(code=None, signal=9), at=NOW)
    assert (verdict.ending, verdict.reason, verdict.retry_at) == (Ending.CRASHED, "ended by SIGKILL", None)


def test_retry_notices_do_not_classify_even_an_end_without_a_final_event(reader: Read) -> None:
    read = reader("codex")
    again = {"type": "error", "message": "Reconnecting... 2/5 (last status: 429 Too Many Requests)"}
    read.feed(stream({"type": "thread.started", "thread_id": "t"}, again, again))
    assert read.verdict(Exit(code=1), at=NOW).ending is Ending.CRASHED


def test_a_failure_that_was_only_retried_through_is_forgotten(reader: Read) -> None:
    read = reader("copilot")
    failed = {"type": "session.error", "data": {"message": "rate limit", "statusCode": 429}}
    read.feed(stream(failed, {"type": "result", "sessionId": "c", "exitCode": 0}))
    verdict = read.verdict(Exit(code=0), at=NOW)
    assert (verdict.ending, verdict.reason) == (Ending.DELIVERED, "")


def test_success_beside_an_error_flag_is_no_success(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, GOOD | {"is_error": True, "result": "something odd"}))
    verdict = read.verdict(Exit(code=1), at=NOW)
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, "something odd")


def test_an_interrupted_run_that_exits_0_is_no_success(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, {"type": "result", "subtype": "error_during_execution", "is_error": False}))
    assert read.verdict(Exit(code=0), at=NOW).ending is Ending.CRASHED


def test_exit_0_without_the_final_event_is_a_crash(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, said("nearly there")))
    verdict = read.verdict(Exit(code=0), at=NOW)
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, "it ended without its final event")


def test_a_program_that_cannot_start_says_why_without_events(reader: Read) -> None:
    read = reader("claude")
    read.feed(b"--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons\r\n")
    verdict = read.verdict(Exit(code=1), at=NOW)
    assert verdict.ending is Ending.UNAVAILABLE
    assert "root/sudo" in verdict.reason


def test_gemini_says_by_its_exit_that_nobody_has_signed_in(reader: Read) -> None:
    read = reader("gemini")
    read.feed(b"Invalid auth method selected.\r\n")
    verdict = read.verdict(Exit(code=41), at=NOW)
    assert (verdict.ending, verdict.reason) == (
        Ending.UNAVAILABLE,
        "it is not signed in, or no way of signing in is chosen",
    )


def test_ended_by_us_after_its_final_event_it_has_delivered(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, GOOD))
    assert read.verdict(Exit(code=None, signal=9, forced=True), at=NOW).ending is Ending.DELIVERED


def test_ended_by_us_before_that_it_has_not(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, said("rate limit")))
    verdict = read.verdict(Exit(code=143, forced=True), at=NOW)
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, "ended by us")


def test_ended_by_us_after_its_final_failure_it_has_failed_of_that(reader: Read) -> None:
    read = reader("claude")
    read.feed(stream(INIT, GOOD | {"is_error": True, "result": "You've hit your limit · resets 4:02pm (UTC)"}))
    assert read.verdict(Exit(code=None, signal=9, forced=True), at=NOW).ending is Ending.USAGE_LIMITED


# ---------------------------------------------------------------- bytes

LINE = json.dumps(GOOD).encode()


@pytest.mark.parametrize(
    "output",
    [
        LINE,  # without an end
        LINE + b"\r\n\x1b[?25h",
        b"\x1b[?1006l\x1b(B\x0f\x1b[>4m\x1b[<u\x1b7\x1b[r\x1b8\x1b]0;\x07" + LINE + b"\r\n",
        b"\x1b]0;a title with {\"type\"}\x1b\\" + LINE + b"\x1b[0m\r\n",
        LINE[:40] + b"\x1b[31m" + LINE[40:80] + b"\x1b]0;x\x07" + LINE[80:] + b"\n",
        LINE[:25] + b"\r" + LINE[25:] + b"\r\n",
        b"WARNING: something on stderr " + LINE + b"\r\n",
        b"Warning: \xff\xfe no UTF-8\r\n" + LINE + b"\r\n",
        LINE[:-1] + b', "text": "\xff\xc3\x28"}\r\n',
        LINE + b"\r\nError: (node:17) something after the end\r\n    at file:///x.js\r\n",
        b'{"type":"assistant", cut off in the midd\r\n' + LINE + b"\r\n",
        stream(INIT).strip() + LINE + b"\r\n",
    ],
)  # fmt: skip
def test_a_final_event_is_found_in_whatever_surrounds_it(reader: Read, output: bytes) -> None:
    read = reader("claude")
    read.feed(output)
    verdict = read.verdict(Exit(code=0), at=NOW)
    assert (verdict.ending, verdict.reason) == (Ending.DELIVERED, "All done.")
    assert verdict.usage == Usage(usd=0.5, tokens_in=10, tokens_out=2)


@pytest.mark.parametrize(
    "output",
    [
        b'{"type":"user","message":{"content":[' + LINE + b", and here the line is cut\r\n",
        b"[" + LINE + b', {"cut": \r\n',
        json.dumps({"type": "user", "content": GOOD}).encode() + b"\r\n",
        json.dumps(said(json.dumps(GOOD))).encode() + b"\r\n",
    ],
)
def test_what_looks_like_an_event_inside_another_is_none(reader: Read, output: bytes) -> None:
    read = reader("claude")
    read.feed(stream(INIT) + output)
    assert read.verdict(Exit(code=1), at=NOW).ending is Ending.CRASHED


def test_a_line_of_5_mb_is_read(reader: Read) -> None:
    read = reader("claude")
    output = stream(INIT, said("x" * 5_000_000), GOOD)
    signs = [sign for place in range(0, len(output), 65536) for sign in read.feed(output[place : place + 65536])]
    assert [sign.final for sign in signs] == [False, False, True]


def test_a_line_without_end_is_given_up_and_the_next_is_read() -> None:
    lines = Lines()
    for _ in range(40):
        assert lines.feed(b"x" * 1_000_000) == ""
    assert lines.feed(b"y\nnext\n") == "next\n"


def _signs(agent: str, chunks: Sequence[bytes]) -> tuple[list[Sign], object]:
    reader = OutputReader(Catalog({}, Path("/")).profile(agent), Path("/nonexistent/outcome.json"))
    signs = [sign for chunk in chunks for sign in reader.feed(chunk)]
    return signs, reader.verdict(Exit(code=1), at=NOW)


@settings(max_examples=25, deadline=None)
@given(
    case=st.sampled_from(["claude/kidterm", "claude/oauth_usage", "codex/usage_limit", "codex/success", "gemini/429"]),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=12),
)
def test_however_it_is_cut_it_says_the_same(case: str, sizes: list[int]) -> None:
    output = (RECORDINGS / f"{case}.raw").read_bytes()
    chunks: list[bytes] = []
    place = 0
    while place < len(output):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(output[place : place + size])
        place += size
    agent = case.partition("/")[0]
    assert _signs(agent, chunks) == _signs(agent, [output])


@settings(max_examples=200, deadline=None)
@given(agent=st.sampled_from(["claude", "codex", "aider", "run"]), chunks=st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_break_it(agent: str, chunks: list[bytes]) -> None:
    _signs(agent, chunks)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    agent=st.sampled_from(["claude", "codex", "opencode", "copilot", "gemini", "qwen"]),
    kind=st.sampled_from(["result", "assistant", "system", "error", "turn.failed", "step_finish", "session.error"]),
    keys=st.dictionaries(
        st.sampled_from(["message", "error", "result", "usage", "session_id", "part", "data", "item", "status"]),
        json_values,
    ),
)
def test_events_of_another_shape_do_not_break_it(agent: str, kind: str, keys: dict[str, Any]) -> None:
    _signs(agent, [stream({"type": kind, **keys})])


def test_a_number_too_long_to_be_one_is_no_event() -> None:
    assert objects('{"a": ' + "9" * 5000 + "}")[1] == []


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("\x1b[32mgreen\x1b[0m\r", "green"),
        (" 10%\r 50%\r100%\r", "100%"),
        ("░█\b\b  \b\bhello.txt", "hello.txt"),
        ("a\tb", "a b"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never closed", "0;never closed"),
    ],
)
def test_a_line_is_what_a_person_sees_of_it(line: str, seen: str) -> None:
    assert shown(line) == seen


# ---------------------------------------------------------------- programs without a stream


def test_the_last_line_of_a_chunk_is_the_sign_of_a_program_without_a_stream(reader: Read) -> None:
    read = reader()
    assert [sign.note for sign in read.feed(b"\x1b[1mreading\x1b[0m\r\n\r\n   \r\nwri")] == ["reading"]
    assert [sign.note for sign in read.feed(b"ting " + b"x" * 200 + b"\r\n \x1b[0m\r\npart")] == [
        "writing " + "x" * 71 + "…"
    ]
    assert read.feed(b"\r\n"), "what had waited for its end"
    assert read.feed(b"\r\n\x1b[2K\r\n  \r\n") == []


def test_a_flood_of_lines_is_one_sign(reader: Read) -> None:
    assert [sign.note for sign in reader().feed(b"y\r\n" * 20_000 + b"z\r\n")] == ["z"]


def test_lines_that_a_rule_knows_are_signs_of_their_own(reader: Read) -> None:
    read = reader(override={"lines": [{"matches": r"^step (?P<note>\d+)$"}]})
    notes = [sign.note for sign in read.feed(b"a\nb\nstep 1\nstep 2\n\nc\nd step 3\n")]
    assert notes == ["b", "1", "2", "d step 3"]


PIECES = st.sampled_from(
    [
        b"compiling\r\n", b"wrapped here \r\n", b"\r\n", b"  \r\n", b"\n", b"\x1b[31mred\x1b[0m\r\n", b"\x1b]0;not\n",
        b"closed\x07\n", b"10%\r20%\r\n", b"back\b\bxy\r\r\n", b"tick 1\n", b"\x1b[1mtick\x1b[0m 2\n", b"\xe2\x80\n",
        b"used 5 for $0.25 in s-1\n", b"used 7 for $0.5 in s-2\r\n", b"no end", b"x" * 3000 + b" \n",
        b"y" * 5000 + b"\n", b"\t\n", b"rate limit exceeded\r\n", b"{\"type\":\"x\"}\n",
        b"many \r\n" * 900, b"lines\n" * 900,
    ]
)  # fmt: skip
OWN_LINES = [
    {"matches": "^tick", "hidden": True},
    {"matches": r"^used (?P<tokens_in>\S+) for \$(?P<usd>\S+) in (?P<session>\S+)", "adds": True},
]


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=30),
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=6),
    lines=st.sampled_from([[], OWN_LINES]),
    stream=st.sampled_from(["text", "json"]),
)
def test_however_a_plain_programs_lines_are_cut_they_come_to_the_same(
    pieces: list[bytes], sizes: list[int], lines: list[dict[str, Any]], stream: str
) -> None:
    """Notes are of chunks, so what is between differs; the end does not, nor the first sign."""
    override = {
        "command": ["./mine.sh"], "started": "output", "stream": stream, "lines": lines, "words": {"lines": 40},
    }  # fmt: skip
    profile = Catalog({}, Path("/")).profile("mine", override)
    output = b"".join(pieces)

    def ends(chunks: Sequence[bytes]) -> object:
        reader = OutputReader(profile, Path("/nonexistent/outcome.json"))
        signs = [sign for chunk in chunks for sign in reader.feed(chunk)]
        last = reader._tail.lines()  # all of it: a verdict tells one line only
        return (
            signs[-1:] and replace(signs[-1], started=False),
            sum(sign.started for sign in signs),
            last,
            reader.verdict(Exit(code=1), at=NOW),
        )

    chunks: list[bytes] = []
    place = 0
    while place < len(output):
        chunks.append(output[place : place + sizes[len(chunks) % len(sizes)]])
        place += len(chunks[-1])
    whole = ends([output])
    assert ends(chunks) == whole
    assert ends([line + b"\n" for line in output.split(b"\n")[:-1]] + [output.rpartition(b"\n")[2]]) == whole


def test_a_hidden_line_is_no_sign(reader: Read) -> None:
    read = reader(override={"lines": [{"matches": "^tick", "hidden": True}]})
    assert [sign.note for sign in read.feed(b"tick\ntick\nwork\n")] == ["work"]


@pytest.mark.parametrize(
    ("pattern", "line"),
    [("colou?r", "color"), ("ab*c", "ac"), ("ab{0,2}c", "ac"), ("left|right", "right"), ("(?i)done", "DONE"),
     ("a+b", "aab"), ("a b", "a\tb"), ("(?x) a b", "ab"), ("one two", "o\x1b[1mne t\x1b[0mwo"), ("^z", "z")],
)  # fmt: skip
def test_a_rule_is_found_wherever_its_pattern_is(reader: Read, pattern: str, line: str) -> None:
    read = reader(override={"lines": [{"matches": f"{pattern}", "hidden": True}]})
    assert read.feed(line.encode() + b"\n") == []


def test_a_program_can_start_with_its_first_output(reader: Read) -> None:
    read = reader(override={"started": "output"})
    signs = [[sign.started for sign in read.feed(chunk)] for chunk in (b"\n\n", b"one\n", b"two\n")]
    assert signs == [[], [True], [False]]


def test_lines_can_tell_what_was_used(reader: Read) -> None:
    rule = {"matches": r"used (?P<tokens_in>\S+) for \$(?P<usd>\S+) in (?P<session>\S+)", "adds": True}
    read = reader(override={"lines": [rule]})
    read.feed(b"used 1.5k for $0.25 in s-9\nused 2,000 for $0.5 in s-9\n")
    verdict = read.verdict(Exit(code=0), at=NOW)
    assert (verdict.usage, verdict.session) == (Usage(usd=0.75, tokens_in=3500), "s-9")
