"""The end of programs of one's own: their outcome file, their exit, their last words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.model import Ending, Usage, Verdict
from orchestrator.runtime.ports import Exit
from tests.agent_profiles.conftest import Read

NOW = 1_795_271_400.0
OK = Exit(code=0)


def end(reader: Read, exit: Exit = OK, output: str = "", **override: Any) -> Verdict:
    read = reader(override=override)
    read.feed(output.encode())
    return read.verdict(exit, at=NOW)


def test_exit_0_is_delivered_whatever_it_printed(reader: Read) -> None:
    assert end(reader, output="error: 429 rate limit\nusage limit reached\n").ending is Ending.DELIVERED


def test_a_non_zero_exit_is_a_crash_told_by_its_last_line(reader: Read) -> None:
    verdict = end(reader, Exit(code=3), "compiling\nno such symbol: frob\n\n")
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, "exit 3: no such symbol: frob")


@pytest.mark.parametrize(
    ("exit", "said"),
    [
        (Exit(code=127), "exit 127 (a command in it was not found)"),
        (Exit(code=126), "exit 126 (a command in it is not executable)"),
        (Exit(code=137), "exit 137 (as after SIGKILL)"),
        (Exit(code=None, signal=11), "ended by SIGSEGV"),
        (Exit(code=None), "ended by a signal"),
        (Exit(code=0, forced=True), "ended by us"),
    ],
)
def test_how_it_ended_is_told(reader: Read, exit: Exit, said: str) -> None:
    verdict = end(reader, exit)
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, said)


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ("rate limit", Ending.RATE_LIMITED),
        ("HTTP 429: Too Many Requests", Ending.RATE_LIMITED),
        ("You've hit your usage limit", Ending.USAGE_LIMITED),
        ("the service is overloaded", Ending.OVERLOADED),
        ("error: invalid API key", Ending.UNAVAILABLE),
        ("prompt is too long", Ending.CONTEXT_OVERFLOW),
    ],
)
def test_the_last_words_of_a_failure_classify_it(reader: Read, words: str, ending: Ending) -> None:
    assert end(reader, Exit(code=1), f"working\n{words}\n").ending is ending


@pytest.mark.parametrize(
    "output",
    [
        "rate limit\n" + "and then much else\n" * 5,
        "429 passed, 3 failed\n",
        "FAILED tests/test_rate_limit.py::test_rate_limit_header\n",
        "FAILED test_401 - 503 of 529 cases\n",
        "npm ERR! getaddrinfo ENOTFOUND registry.example\n",
    ],
)
def test_words_of_another_kind_or_another_place_do_not(reader: Read, output: str) -> None:
    assert end(reader, Exit(code=1), output).ending is Ending.CRASHED


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ("Claude AI usage limit reached|1795285800", Ending.USAGE_LIMITED),
        ("5-hour limit reached ∙ resets 3am", Ending.USAGE_LIMITED),
        ("You've reached your 5-hour message limit. Try again in 3h 42m.", Ending.USAGE_LIMITED),
        ("You’ve hit your weekly limit · resets Nov 23, 4pm (UTC)", Ending.USAGE_LIMITED),
        ("You have exceeded your rate limit", Ending.RATE_LIMITED),
        ("Quota exceeded for metric: requests_per_minute", Ending.RATE_LIMITED),
        ("Quota exceeded for metric: requests_per_day", Ending.USAGE_LIMITED),
        ("Error: model 'gpt-9' does not exist or you do not have access to it", Ending.UNAVAILABLE),
        ("getaddrinfo ENOTFOUND api.example", Ending.UNREACHABLE),
        ("OAuth token has expired. Please run /login", Ending.UNAVAILABLE),
        ("API Error: 500 Internal server error", Ending.OVERLOADED),
        ("the file models/user.py is fine", Ending.CRASHED),
    ],
)
def test_a_final_failure_is_classified_by_its_words(reader: Read, words: str, ending: Ending) -> None:
    read = reader("codex")
    read.feed(json.dumps({"type": "turn.failed", "error": {"message": words}}).encode())
    assert read.verdict(Exit(code=1), at=NOW).ending is ending


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (401, Ending.UNAVAILABLE), (402, Ending.USAGE_LIMITED), (413, Ending.CONTEXT_OVERFLOW),
        ("429", Ending.RATE_LIMITED), (529, Ending.OVERLOADED), (503, Ending.OVERLOADED), (400, Ending.CRASHED),
        (None, Ending.CRASHED), ("a lot", Ending.CRASHED),
    ],
)  # fmt: skip
def test_where_words_say_nothing_the_status_does(reader: Read, status: object, ending: Ending) -> None:
    read = reader("opencode")
    read.feed(json.dumps({"type": "error", "error": {"data": {"message": "no", "statusCode": status}}}).encode())
    assert read.verdict(Exit(code=1), at=NOW).ending is ending


def test_a_shell_command_has_no_provider_to_be_limited_by(reader: Read) -> None:
    read = reader("run")
    read.feed(b"error: 429 Too Many Requests\n")
    assert read.verdict(Exit(code=1), at=NOW).ending is Ending.CRASHED


def test_a_time_in_the_last_words_is_read(reader: Read) -> None:
    verdict = end(reader, Exit(code=1), "429 Too Many Requests\nplease retry after 12s\n")
    assert (verdict.ending, verdict.retry_at) == (Ending.RATE_LIMITED, NOW + 12)


def test_words_that_the_terminal_wrapped_are_read_as_one(reader: Read) -> None:
    verdict = end(reader, Exit(code=1), "the provider said: you exceeded your \r\ncurrent quota, try later\r\n")
    assert verdict.ending is Ending.USAGE_LIMITED
    assert verdict.reason == "the provider said: you exceeded your current quota, try later"


def test_its_own_exit_statuses_can_have_a_class(reader: Read) -> None:
    exits = [{"codes": [75], "ending": "rate-limited", "reason": "the queue is full"}]
    verdict = end(reader, Exit(code=75), "retry after 60\n", exits=exits)
    assert (verdict.ending, verdict.reason, verdict.retry_at) == (
        Ending.RATE_LIMITED, "the queue is full", NOW + 60,
    )  # fmt: skip


def test_its_own_words_come_before_those_of_all(reader: Read) -> None:
    words = {"rules": [{"matches": "no seats", "ending": "usage-limited"}]}
    verdict = end(reader, Exit(code=1), "rate limit: no seats\n", words=words)
    assert verdict.ending is Ending.USAGE_LIMITED


def test_a_program_whose_exit_says_nothing_is_read_by_its_words(reader: Read) -> None:
    quirks = {"exit_zero_on_failure": True}
    assert end(reader, OK, "rate limit\n", quirks=quirks).ending is Ending.RATE_LIMITED
    assert end(reader, OK, "all well\n", quirks=quirks).ending is Ending.DELIVERED


def test_what_it_said_before_it_succeeded_does_not_count(reader: Read) -> None:
    override = {"quirks": {"exit_zero_on_failure": True}, "words": {"after": "^saved"}}
    assert end(reader, OK, "rate limit\nsaved x\n", **override).ending is Ending.DELIVERED
    assert end(reader, OK, "saved x\nrate limit\n", **override).ending is Ending.RATE_LIMITED


def test_a_reason_is_one_line_of_at_most_300_characters(reader: Read) -> None:
    reason = end(reader, Exit(code=1), "a  b\x1b[31m " + "c" * 1000 + "\n").reason
    assert reason.startswith("exit 1: a b c")
    assert len(reason) == 300


# ---------------------------------------------------------------- the outcome file


def write(outcome_file: Path, said: Any) -> None:
    outcome_file.write_text(said if isinstance(said, str) else json.dumps(said))


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("done", Ending.DELIVERED),
        ("no-change-needed", Ending.NO_CHANGE_NEEDED),
        ("NO_CHANGE_NEEDED", Ending.NO_CHANGE_NEEDED),
        ("blocked", Ending.ASKED),
        ("question", Ending.ASKED),
        ("failed", Ending.CRASHED),
        ("usage-limited", Ending.USAGE_LIMITED),
    ],
)
def test_it_can_say_how_it_ended(reader: Read, outcome_file: Path, word: str, ending: Ending) -> None:
    write(outcome_file, {"outcome": word, "reason": "for a reason"})
    verdict = end(reader)
    assert (verdict.ending, verdict.reason) == (ending, "for a reason")


@pytest.mark.parametrize("exit", [OK, Exit(code=1), Exit(code=None, signal=15)])
def test_bad_news_stand_whatever_the_exit(reader: Read, outcome_file: Path, exit: Exit) -> None:
    write(outcome_file, {"outcome": "blocked", "reason": "which port?"})
    assert end(reader, exit).ending is Ending.ASKED


@pytest.mark.parametrize("word", ["done", "no-change-needed"])
def test_good_news_do_not_outweigh_a_bad_exit(reader: Read, outcome_file: Path, word: str) -> None:
    write(outcome_file, {"outcome": word, "reason": "all there"})
    verdict = end(reader, Exit(code=2))
    assert (verdict.ending, verdict.reason) == (Ending.CRASHED, "exit 2 (although it had written: all there)")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{not json", "its outcome file is no JSON"),
        ("[1, 2]", "its outcome file is no JSON object"),
        ('{"reason": "x"}', "its outcome file has no 'outcome'; x"),
        ('{"outcome": "splendid"}', "its outcome file says 'splendid', which is no outcome"),
        ('{"outcome": 7}', "its outcome file says '7', which is no outcome"),
        ('"' + "x" * 100_000 + '"', "its outcome file is too long"),
    ],
)
def test_a_file_that_makes_no_sense_is_mentioned_and_the_exit_decides(
    reader: Read, outcome_file: Path, content: str, fault: str
) -> None:
    write(outcome_file, content)
    verdict = end(reader)
    assert (verdict.ending, verdict.reason) == (Ending.DELIVERED, fault)
    assert end(reader, Exit(code=4)).reason == f"{fault}; exit 4"


def test_an_empty_file_says_nothing(reader: Read, outcome_file: Path) -> None:
    write(outcome_file, " \n")
    assert end(reader).reason == ""


def test_a_pipe_in_its_place_stops_nobody(reader: Read, outcome_file: Path) -> None:
    os.mkfifo(outcome_file)
    assert end(reader).reason == "its outcome file is no file"


def test_a_folder_in_its_place_stops_nobody(reader: Read, outcome_file: Path) -> None:
    outcome_file.mkdir()
    assert end(reader).ending is Ending.DELIVERED


def test_it_can_say_what_it_used_and_how_to_resume_it(reader: Read, outcome_file: Path) -> None:
    usage = {"usd": 0.1, "tokens_in": 900, "tokens_out": -1}
    write(outcome_file, {"outcome": "done", "usage": usage, "session": "s-3"})
    verdict = end(reader)
    assert verdict.usage == Usage(usd=0.1, tokens_in=900)
    assert verdict.session == "s-3"


def test_a_time_in_its_reason_is_read(reader: Read, outcome_file: Path) -> None:
    write(outcome_file, {"outcome": "usage-limited", "reason": "try again in 2 hours 5 minutes"})
    assert end(reader).retry_at == NOW + 7500


def test_an_agent_with_events_may_write_it_too(reader: Read, outcome_file: Path) -> None:
    write(outcome_file, {"outcome": "no-change-needed", "reason": "it is there already"})
    read = reader("codex")
    read.feed(b'{"type":"turn.completed"}\n')
    assert read.verdict(OK, at=NOW).ending is Ending.NO_CHANGE_NEEDED


def test_but_not_to_hide_its_final_failure(reader: Read, outcome_file: Path) -> None:
    write(outcome_file, {"outcome": "no-change-needed"})
    read = reader("codex")
    read.feed(b'{"type":"turn.failed","error":{"message":"last status: 429 Too Many Requests"}}\n')
    assert read.verdict(Exit(code=1), at=NOW).ending is Ending.RATE_LIMITED
