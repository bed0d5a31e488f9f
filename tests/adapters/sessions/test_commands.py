"""Checks and set-up commands: their output, their time, and nothing left of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.runtime.ports import CommandResult
from tests.adapters.sessions.conftest import Stage, gone, until


def run(stage: Stage, command: str, *, env: Mapping[str, str] | None = None, timeout_s: float = 20) -> CommandResult:
    return stage.commands.run(
        command, cwd=stage.cwd, env=env or {}, timeout_s=timeout_s, log=stage.folder / "logs" / "log"
    )


def test_a_command_is_run_in_its_folder_and_its_output_kept(stage: Stage) -> None:
    assert run(stage, "pwd; echo said >&2; exit 3") == CommandResult(code=3, output=f"{stage.cwd}\nsaid\n")
    assert run(stage, "echo again").output == "again\n"
    log = (stage.folder / "logs" / "log").read_text()
    assert log == f"$ pwd; echo said >&2; exit 3\n{stage.cwd}\nsaid\n$ echo again\nagain\n"


def test_its_output_is_its_end_without_escapes_and_the_log_has_all(stage: Stage) -> None:
    result = run(stage, r"seq 20000; printf '\033[1;31mred\033[0m \033]0;title\007\033(Bend\a\r\n'")
    assert result.output.endswith("19999\n20000\nred end\n")
    assert len(result.output) == 8_000
    assert "\n1\n2\n3\n" in (stage.folder / "logs" / "log").read_text()


def test_it_has_no_terminal_and_an_empty_input(stage: Stage) -> None:
    assert run(stage, "cat; test -t 0 || test -t 1 || (exec </dev/tty) 2>/dev/null || echo none").output == "none\n"


def test_its_environment_is_ours_but_for_what_points_git_elsewhere(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/index")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "me")
    monkeypatch.setenv("ORCHESTRATOR_MARK", "another")
    found = run(stage, "env | sort", env={"PORT_BASE": "4100"}).output
    assert "GIT_DIR" not in found
    assert "GIT_INDEX_FILE" not in found
    assert "GIT_AUTHOR_NAME=me\n" in found
    assert f"ORCHESTRATOR_MARK={stage.marks.repository}\n" in found
    assert "PORT_BASE=4100\n" in found


def test_a_key_is_not_in_its_output(stage: Stage) -> None:
    assert run(stage, "echo $MY_TOKEN", env={"MY_TOKEN": "t0ken-t0ken"}).output == "[redacted]\n"


def test_its_children_do_not_outlive_it(stage: Stage) -> None:
    result = run(stage, "(setsid sleep 60 & echo $!); sleep 60 & echo $!; exit 0")
    assert result.code == 0
    assert [gone(int(pid)) for pid in result.output.split()] == [True, True]
    assert stage.marked() == []


def test_a_command_out_of_time_is_ended_with_its_tree(stage: Stage) -> None:
    began = time.monotonic()
    result = run(stage, "echo begun; setsid sleep 60 & sleep 60", timeout_s=0.5)
    assert (result.timed_out, result.code, result.output) == (True, 124, "begun\n")
    assert time.monotonic() - began < 5
    assert stage.marked() == []


def test_a_killed_command_has_the_code_that_a_shell_would_give(stage: Stage) -> None:
    assert run(stage, "kill -9 $$").code == 137


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_leaving_cancels_what_runs_and_what_comes(stage: Stage, stubborn: str) -> None:
    results: list[CommandResult] = []
    threads = [
        threading.Thread(target=lambda n=number: results.append(run(stage, f"{stubborn}touch up{n}; sleep 60")))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(list(stage.cwd.glob("up*"))) == 3, "all three to run")
    began = time.monotonic()
    stage.commands.close()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 3
    assert [result.cancelled for result in results] == [True] * 3
    assert run(stage, "touch late").cancelled
    assert not (stage.cwd / "late").exists()
    assert stage.marked() == []


def test_a_command_that_cannot_be_run_says_why(stage: Stage) -> None:
    stage.cwd.rmdir()
    result = run(stage, "true")
    assert result.code == 126
    assert str(stage.cwd) in result.output


def test_a_log_that_cannot_be_written_says_why(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    assert "logs" in run(stage, "true").output
