"""What real programs wrote to their terminals, in success and in each failure, is classified as what it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.reading import OutputReader
from orchestrator.core.model import Ending, Usage, Verdict
from orchestrator.runtime.ports import Exit, Sign

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
FOLDERS = {"mini-swe-agent": "mswe"}
NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC).timestamp()

AGENTS = ("claude", "codex", "gemini", "qwen", "opencode", "copilot", "aider", "mini-swe-agent")


@dataclass(frozen=True)
class Recorded:
    agent: str
    case: str
    exit: Exit
    output: bytes

    def __str__(self) -> str:
        return f"{self.agent}-{self.case}"


def _recorded() -> list[Recorded]:
    folders = {FOLDERS.get(agent, agent): agent for agent in AGENTS}
    return [
        Recorded(
            folders[entry["cli"]],
            entry["case"],
            Exit(code=entry["exit"], signal=entry["signal"], forced=bool(entry["forced"])),
            path.read_bytes(),
        )
        for entry in json.loads((RECORDINGS / "index.json").read_text())
        if (path := RECORDINGS / entry["cli"] / f"{entry['case']}.raw").exists()
    ]


RECORDED = {(each.agent, each.case): each for each in _recorded()}


def read(agent: str, recorded: Recorded, tmp_path: Path) -> tuple[list[Sign], Verdict]:
    reader = OutputReader(Catalog({}, tmp_path).profile(agent), tmp_path / "outcome.json", local=UTC)
    signs = list(reader.feed(recorded.output))
    return signs, reader.verdict(recorded.exit, at=NOW)


D, C, R, U, B, X, F = (
    Ending.DELIVERED,
    Ending.CRASHED,
    Ending.RATE_LIMITED,
    Ending.USAGE_LIMITED,
    Ending.OVERLOADED,
    Ending.UNAVAILABLE,
    Ending.CONTEXT_OVERFLOW,
)  # fmt: skip

# A C under a fault is one that the program retried for ever: whoever recorded it ended it.
# usage_limit of claude is what a spent subscription is answered with over an API key.
CLASSES: dict[str, dict[str, Ending]] = {
    "claude": {
        "success": D, "429once": D, "kidterm": D, "429": R, "529": B, "usage_limit": U, "oauth_usage": U, "credit": U,
        "context": F, "401": X, "drop": B, "droponce": B, "stall": C, "sigterm": C,
    },
    "codex": {
        "success": D, "429once": D, "droponce": D, "429": R, "529": B, "usage_limit": U, "credit": U, "context": F,
        "401": X, "drop": B, "stall": C, "sigterm": C, "kidterm": C,
    },
    "gemini": {
        "success": D, "429once": D, "429": R, "529": B, "usage_limit": U, "credit": U, "context": F, "401": X,
        "drop": B, "droponce": B, "stall": C, "sigterm": C, "kidterm": C,
    },
    "qwen": {
        "success": D, "429once": D, "context": F, "401": X, "drop": B, "droponce": B, "429": C, "529": C,
        "usage_limit": C, "credit": C, "stall": C, "sigterm": C, "kidterm": C,
    },
    "opencode": {
        "success": D, "429once": D, "droponce": D, "429": R, "529": B, "usage_limit": U, "credit": U, "context": F,
        "401": X, "drop": B, "stall": C, "sigterm": C, "kidterm": C,
    },
    "copilot": {
        "success": D, "429once": D, "droponce": D, "429": R, "529": B, "usage_limit": U, "credit": U, "context": F,
        "401": X, "drop": B, "stall": C, "sigterm": C, "kidterm": C,
    },
    "aider": {
        "success": D, "429once": D, "droponce": D, "429": R, "529": B, "usage_limit": U, "credit": U, "context": F,
        "401": X, "drop": B, "stall": C, "sigterm": C,
    },
    "mini-swe-agent": {
        "success": D, "429once": D, "droponce": D, "context": F, "401": X, "429": C, "529": C, "usage_limit": C,
        "credit": C, "drop": C, "stall": C, "sigterm": C, "kidterm": C,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "case", "ending"),
    [(agent, case, ending) for agent, cases in CLASSES.items() for case, ending in cases.items()],
)
def test_each_recording_has_its_class(agent: str, case: str, ending: Ending, tmp_path: Path) -> None:
    _, verdict = read(agent, RECORDED[agent, case], tmp_path)
    assert verdict.ending is ending


def test_no_recording_of_a_headless_run_is_left_out() -> None:
    headless = {key for key in RECORDED if not key[1].startswith("tui")}
    assert headless == {(agent, case) for agent, cases in CLASSES.items() for case in cases}


@pytest.mark.parametrize("agent", [*AGENTS, "run"])
@pytest.mark.parametrize("recorded", RECORDED.values(), ids=str)
def test_any_profile_survives_any_program(agent: str, recorded: Recorded, tmp_path: Path) -> None:
    signs, verdict = read(agent, recorded, tmp_path)
    assert len(verdict.reason) <= 300
    assert "\n" not in verdict.reason
    assert "\x1b" not in verdict.reason
    assert all(len(sign.note) <= 80 and "\x1b" not in sign.note for sign in signs)


@pytest.mark.parametrize(
    ("agent", "case", "time"),
    [
        ("claude", "oauth_usage", "16:02"),  # resets 4:02pm (UTC)
        ("codex", "usage_limit", "15:48"),  # try again at 3:47 PM, with a typographic apostrophe before it
    ],
)
def test_the_time_of_a_limit_is_read(agent: str, case: str, time: str, tmp_path: Path) -> None:
    _, verdict = read(agent, RECORDED[agent, case], tmp_path)
    assert verdict.retry_at is not None
    assert datetime.fromtimestamp(verdict.retry_at, UTC).strftime("%Y-%m-%d %H:%M") == f"2026-11-21 {time}"


@pytest.mark.parametrize("agent", ["gemini", "opencode", "copilot", "aider"])
def test_a_retry_after_of_a_second_is_read(agent: str, tmp_path: Path) -> None:
    assert read(agent, RECORDED[agent, "429"], tmp_path)[1].retry_at == NOW + 1


@pytest.mark.parametrize(
    ("agent", "case"), [("claude", "429"), ("claude", "usage_limit"), ("codex", "429"), ("codex", "529")]
)
def test_a_limit_that_names_no_time_has_none(agent: str, case: str, tmp_path: Path) -> None:
    assert read(agent, RECORDED[agent, case], tmp_path)[1].retry_at is None


@pytest.mark.parametrize(
    ("agent", "usage"),
    [
        ("claude", Usage(usd=0.266328, tokens_in=88571, tokens_out=41)),
        ("codex", Usage(tokens_in=31001, tokens_out=34)),
        ("gemini", Usage(tokens_in=37583, tokens_out=33)),
        ("qwen", Usage(tokens_in=60110, tokens_out=40)),
        ("opencode", Usage(usd=0.0, tokens_in=7835 + 7930 + 8012, tokens_out=23 + 14 + 5)),
        ("copilot", Usage()),
        ("aider", Usage(tokens_in=983, tokens_out=15)),
        ("mini-swe-agent", Usage()),
    ],
)
def test_what_a_success_used(agent: str, usage: Usage, tmp_path: Path) -> None:
    assert read(agent, RECORDED[agent, "success"], tmp_path)[1].usage == usage


@pytest.mark.parametrize(
    ("agent", "session"),
    [
        ("claude", "9883e377-9463-4d9f-b74a-88bfb5069527"),
        ("codex", "01a1fe1b-65e9-7013-9027-7f1dbe0b8cf6"),
        ("gemini", "74fb155e-f486-4232-8fb9-6f1390237388"),
        ("qwen", "aa7a7be9-7944-4cd4-901f-6793dcf6093e"),
        ("opencode", "ses_e01df9c77ffeSC3l4h94Jk56NM"),
        ("copilot", "613d1386-57b6-4b90-be23-ce11fedfe45c"),
        ("aider", None),
        ("mini-swe-agent", None),
    ],
)
def test_the_session_that_can_be_resumed(agent: str, session: str | None, tmp_path: Path) -> None:
    assert read(agent, RECORDED[agent, "success"], tmp_path)[1].session == session


def test_a_session_that_was_killed_can_be_resumed_all_the_same(tmp_path: Path) -> None:
    for agent in ("claude", "codex"):
        assert read(agent, RECORDED[agent, "sigterm"], tmp_path)[1].session is not None


@pytest.mark.parametrize("agent", AGENTS)
def test_it_starts_once_and_ends_once(agent: str, tmp_path: Path) -> None:
    signs, _ = read(agent, RECORDED[agent, "success"], tmp_path)
    profile = Catalog({}, tmp_path).profile(agent)
    assert sum(sign.started for sign in signs) == (0 if profile.started == "spawn" else 1)
    assert sum(sign.final for sign in signs) == (1 if profile.has_final else 0)


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_the_last_sign_of_a_failure_is_final_as_well(agent: str, tmp_path: Path) -> None:
    signs, _ = read(agent, RECORDED[agent, "usage_limit"], tmp_path)
    assert signs[-1].final


def test_notes_say_what_it_does(tmp_path: Path) -> None:
    signs, _ = read("claude", RECORDED["claude", "success"], tmp_path)
    notes = [sign.note for sign in signs if sign.note]
    assert notes == [
        "Working on it.",
        "Write: /repo/hello.txt",
        "Working on it.",
        "Bash: git add -A && git commit -qm 'agent commit'",
        "done, all finished",
        "done, all finished",
    ]


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_good_end_is_told_in_the_agents_words(agent: str, tmp_path: Path) -> None:
    assert read(agent, RECORDED[agent, "success"], tmp_path)[1].reason == "done, all finished"


@pytest.mark.parametrize("case", ["429once", "droponce"])
def test_what_was_got_over_is_not_told(case: str, tmp_path: Path) -> None:
    assert read("codex", RECORDED["codex", case], tmp_path)[1].reason == "done, all finished"
