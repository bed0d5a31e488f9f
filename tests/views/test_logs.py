"""The log: one JSON object a line, for the run and for each worker; rotated, read back, followed."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RouteName, Token, WorkerId
from orchestrator.views.logs import RunLog, read, render
from orchestrator.views.naming import fields_of
from tests.views.nights import BEGAN, Night, bead, failed_night


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


Opens = Callable[..., RunLog]


@pytest.fixture
def open_log(folder: Path) -> Iterator[Opens]:
    opened: list[RunLog] = []

    def opens(**settings: Any) -> RunLog:
        opened.append(RunLog(settings.pop("folder", folder), "overnight", **settings))
        return opened[-1]

    yield opens
    for log in opened:
        log.close()


def logged(folder: Path, night: Night) -> list[dict[str, Any]]:
    log = RunLog(folder, "overnight")
    for event in night.events:
        log.heard(event)
    log.close()
    return list(read(folder))


def test_every_event_is_a_line_that_begins_alike(folder: Path) -> None:
    night = failed_night()
    records = logged(folder, night)
    assert len(records) == len(night.events)
    for record in records:
        assert list(record)[:4] == ["ts", "event", "level", "run"]
        assert record["run"] == "overnight"
    assert records[0]["ts"] == "2026-11-21T22:00:00.000Z"
    assert records[0]["event"] == "run.planned"


def test_each_attempt_has_one_canonical_line(folder: Path) -> None:
    night = failed_night()
    ended = [record for record in logged(folder, night) if record["event"] == "attempt.ended"]
    assert len(ended) == sum(isinstance(event, m.AttemptEnded) for event in night.events)
    failed = next(each for each in ended if each["bead"] == "payments" and each["attempt"] == 1)
    assert {key: failed[key] for key in ("worker", "route", "seconds", "outcome", "tokens", "usd", "files")} == {
        "worker": "w3", "route": "claude:opus", "seconds": 322.0, "outcome": "checks-failed",
        "tokens": 900, "usd": 0.5, "files": ["src/payments.py"],
    }  # fmt: skip
    assert failed["level"] == "warning"


def test_events_that_carry_a_token_only_are_told_with_bead_and_worker(folder: Path) -> None:
    night = Night(bead("a")).open().sign("a").progress("a", "editing")
    assert all(record["event"] != "agent.progressed" for record in logged(folder, night))  # its worker's log alone
    *_, progress = read(folder, worker="w1")
    assert progress["event"] == "agent.progressed"
    assert (progress["bead"], progress["attempt"], progress["worker"]) == ("a", 1, "w1")
    assert progress["route"] == "claude:opus"


def test_a_worker_has_its_own_file(folder: Path) -> None:
    logged(folder, failed_night())
    assert {path.name for path in (folder / "workers").iterdir()} == {"w1.jsonl", "w2.jsonl", "w3.jsonl"}
    assert {record["worker"] for record in read(folder, worker="w2")} == {"w2"}
    assert list(read(folder, worker="../run")) == []


def test_one_bead_can_be_read(folder: Path) -> None:
    logged(folder, failed_night())
    events = [record["event"] for record in read(folder, bead="mail")]
    assert events[:3] == ["bead.readied", "attempt.started", "session.spawned"]
    assert events[-1] == "bead.cleared"


def test_runs_of_one_repository_share_a_log_and_are_told_apart(folder: Path) -> None:
    for name in ("first", "second"):
        log = RunLog(folder, name)
        log.heard(m.RunResumed(at=BEGAN, reason=name))
        log.close()
    assert len(list(read(folder))) == 2
    assert [record["reason"] for record in read(folder, run="second")] == ["second"]


def test_after_a_restart_the_log_goes_on_and_knows_what_was_under_way(folder: Path, open_log: Opens) -> None:
    night = Night(bead("a")).open().sign("a")
    logged(folder, night)
    log = open_log(attempts=night.state.attempts.values())
    night.listeners.append(log)
    night.after(60).open(swept=1)
    broke = [record for record in read(folder) if record["event"] == "session.broke"]
    assert [(each["bead"], each["worker"], each["outcome"]) for each in broke] == [("a", "w1", "lost")]
    assert sum(record["event"] == "run.opened" for record in read(folder)) == 2


def test_a_line_that_a_death_has_torn_costs_only_itself(folder: Path, open_log: Opens) -> None:
    before = len(logged(folder, Night(bead("a")).open()))
    with (folder / "run.jsonl").open("a") as file:
        file.write('{"ts": "2026-11-21T22:00:0')
    assert len(list(read(folder))) == before
    log = open_log()
    log.heard(m.RunResumed(at=BEGAN, reason="again"))
    assert [record["event"] for record in read(folder)][before:] == ["run.resumed"]


def test_files_are_rotated_and_lines_are_never_split(folder: Path, open_log: Opens) -> None:
    log = open_log(rotate_at=2000)
    for number in range(100):
        log.heard(m.RunPaused(at=BEGAN + number, reason=f"reason {number} " + "x" * 50))
    log.close()
    assert sorted(path.name for path in folder.iterdir()) == [
        "run.jsonl", "run.jsonl.1", "run.jsonl.2", "run.jsonl.3",
    ]  # fmt: skip
    for path in folder.iterdir():
        assert path.stat().st_size <= 2000
        assert all(json.loads(line) for line in path.read_text().splitlines())
    reasons = [int(record["reason"].split()[1]) for record in read(folder)]
    assert reasons == list(range(reasons[0], 100))


def test_what_is_rotated_away_may_be_compressed_and_is_read_all_the_same(folder: Path, open_log: Opens) -> None:
    """Also what was rotated away before anybody wanted it compressed."""
    for first, pack in ((0, False), (30, True)):
        log = open_log(rotate_at=2000, pack=pack)
        for number in range(first, first + 30):
            log.heard(m.RunPaused(at=BEGAN + number, reason=f"reason {number} " + "x" * 50))
        log.close()
    assert sorted(path.name for path in folder.iterdir()) == [
        "run.jsonl", "run.jsonl.1.gz", "run.jsonl.2.gz", "run.jsonl.3.gz",
    ]  # fmt: skip
    packed = (folder / "run.jsonl.1.gz").read_bytes()
    assert len(packed) < len(gzip.decompress(packed)) <= 2000
    reasons = [int(record["reason"].split()[1]) for record in read(folder)]
    assert reasons == list(range(reasons[0], 60))
    assert reasons[0] < 30


def test_a_full_disk_costs_the_log_and_one_warning(tmp_path: Path, open_log: Opens) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    said = io.StringIO()
    log = open_log(folder=tmp_path / "logs", warnings=said)
    for event in failed_night().events:
        log.heard(event)
    assert said.getvalue().count("\n") == 1
    assert "the run goes on" in said.getvalue()


def test_a_disk_that_fills_up_costs_the_log_and_nothing_else(open_log: Opens) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    said = io.StringIO()
    log = open_log(folder=_Full(), warnings=said)
    log.heard(m.RunPaused(at=BEGAN, reason="x"))
    log.heard(m.RunPaused(at=BEGAN, reason="x"))
    assert said.getvalue().count("warning") == 1


class _Full(type(Path())):  # type: ignore[misc]
    """Every file in it is on a disk that is full."""

    def __truediv__(self, key: object) -> Path:
        return Path("/dev/full")


def test_text_that_is_no_unicode_is_kept_readable(folder: Path, open_log: Opens) -> None:
    log = open_log()
    log.heard(m.RunPaused(at=BEGAN, reason="caf\udce9 — 漢字\u2028\nnext"))
    log.close()
    assert len((folder / "run.jsonl").read_bytes().splitlines()) == 1
    assert next(read(folder))["reason"] == "caf\udce9 — 漢字\u2028\nnext"


def test_what_is_secret_is_redacted_wherever_it_stands(folder: Path, open_log: Opens) -> None:
    log = open_log(redact=lambda text: text.replace("s3cret", "***"))
    log.heard(m.WorkersStarted(at=BEGAN, asked=1, started=0, seconds=1, missing=((WorkerId("w1"), "key s3cret"),)))
    assert "s3cret" not in (folder / "run.jsonl").read_text()


# ---------------------------------------------------------------- following


def steps(*todo: Callable[[], object]) -> Callable[[], bool]:
    """A pause in which the next of these happens; after the last one, nobody follows any more."""
    rest = list(todo)

    def pause() -> bool:
        if not rest:
            return False
        rest.pop(0)()
        return True

    return pause


def test_following_shows_what_is_written_meanwhile(folder: Path, open_log: Opens) -> None:
    log = open_log()
    one, two = (m.RunPaused(at=BEGAN, reason=reason) for reason in ("one", "two"))
    pause = steps(lambda: None, lambda: log.heard(one), lambda: log.heard(two))
    assert [each["reason"] for each in read(folder, follow=True, pause=pause)] == ["one", "two"]


def test_following_waits_for_the_end_of_a_line(folder: Path, open_log: Opens) -> None:
    open_log().heard(m.RunPaused(at=BEGAN, reason="one"))
    with (folder / "run.jsonl").open("ab", buffering=0) as file:
        pause = steps(lambda: file.write(b'{"reason": "t'), lambda: file.write(b'wo"}\n'))
        assert [each["reason"] for each in read(folder, follow=True, pause=pause)] == ["one", "two"]


@pytest.mark.parametrize("pack", [False, True])
def test_following_survives_rotation(folder: Path, open_log: Opens, pack: bool) -> None:
    log = open_log(rotate_at=600, pack=pack)
    numbers = iter(range(100))

    def some() -> None:
        for _ in range(7):
            log.heard(m.RunPaused(at=BEGAN, reason=f"{next(numbers)} " + "x" * 60))

    some()
    pause = steps(*[some] * 5)
    seen = [int(each["reason"].split()[0]) for each in read(folder, follow=True, pause=pause)]
    assert (folder / f"run.jsonl.3{'.gz' if pack else ''}").exists()
    assert seen == list(range(seen[0], 42))


# ---------------------------------------------------------------- for people


def test_records_read_well(folder: Path) -> None:
    night = Night(bead("health")).open().after(3).sign("health").after(60)
    night.end("health", Ending.CRASHED, "exit 1", usd=0.5, tokens_out=120)
    lines = [render(record) for record in logged(folder, night)]
    assert lines[0].startswith("22:00:00   run.planned")
    ended = next(line for line in lines if "attempt.ended" in line)
    assert ended == (
        "22:01:03 ! attempt.ended       health#1         w1   claude:opus  crashed  “exit 1”  1m03s  $0.50  120 tokens"
        "  saved as 60c7cc0"
    )


def test_a_record_of_others_is_one_line_as_well() -> None:
    assert render({}) == "--:--:--   ?"
    assert "\n" not in render({"ts": "nonsense", "event": "x", "reason": "a\nb"})


def test_a_breaker_says_until_when() -> None:
    opened = m.BreakerOpened(at=BEGAN, route=RouteName("claude:opus"), until=BEGAN + 3600, reason="429")
    record = {"ts": "2026-11-21T22:00:00.000Z", "event": "breaker.opened", "level": "warning", **fields_of(opened)}
    assert render(record) == "22:00:00 ! breaker.opened                            claude:opus  “429”  until 23:00"


def test_a_late_event_of_a_forgotten_attempt_is_logged_without_a_bead(folder: Path, open_log: Opens) -> None:
    log = open_log()
    log.heard(m.AgentProgressed(at=BEGAN, token=Token(99), note="x"))
    log.heard(m.BeadReadied(at=BEGAN, bead=BeadId("a")))
    first, second = read(folder)
    assert "bead" not in first
    assert second["bead"] == "a"
