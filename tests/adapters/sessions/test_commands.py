"""Checks and set-up commands: their output, their time, and nothing left of them."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.runtime.ports import CommandResult
from orchestrator.sessions.commands import ShellCommands
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


def test_one_command_is_ended_by_its_name_and_the_others_run_on(stage: Stage) -> None:
    with ThreadPoolExecutor(2) as pool:
        wanted = pool.submit(
            stage.commands.run,
            f"touch {stage.cwd}/one; until test -e {stage.cwd}/go; do sleep 0.02; done",
            cwd=stage.cwd, env={}, timeout_s=60, log=stage.cwd / "one.log", name="one",
        )  # fmt: skip
        dropped = pool.submit(
            stage.commands.run,
            f"touch {stage.cwd}/two; sleep 60",
            cwd=stage.cwd, env={}, timeout_s=60, log=stage.cwd / "two.log", name="two",
        )  # fmt: skip
        while not ((stage.cwd / "one").exists() and (stage.cwd / "two").exists()):
            time.sleep(0.01)
        stage.commands.end("two")
        assert dropped.result().cancelled
        (stage.cwd / "go").touch()
        assert (wanted.result().code, wanted.result().cancelled) == (0, False)


def test_a_command_that_cannot_be_run_says_why(stage: Stage) -> None:
    stage.cwd.rmdir()
    result = run(stage, "true")
    assert (result.code, result.not_run) == (126, True)
    assert str(stage.cwd) in result.output


def test_a_log_that_cannot_be_written_says_why(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    result = run(stage, "true")
    assert (result.code, result.not_run) == (126, True)
    assert "logs" in result.output


def test_without_a_descriptor_it_is_not_run(stage: Stage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        result = run(stage, "true")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (result.code, result.not_run) == (126, True)
    assert "Too many open files" in result.output


def test_what_no_shell_can_be_given_is_not_run(stage: Stage) -> None:
    assert run(stage, "true \0").not_run


@pytest.mark.parametrize("command", ["exit 126", "/etc/passwd"])
def test_a_command_that_exits_126_was_run(stage: Stage, command: str) -> None:
    result = run(stage, command)
    assert (result.code, result.not_run) == (126, False)


def test_a_command_that_removes_its_own_log_was_run(stage: Stage) -> None:
    assert run(stage, f"rm -r {stage.folder / 'logs'}; echo done; exit 3") == CommandResult(code=3, output="done\n")


# ---------------------------------------------------------------- floods


def flood(stage: Stage, command: str) -> CommandResult:
    """With a bound of 2 MB."""
    commands = ShellCommands(stage.marks, most_bytes=2_000_000)
    try:
        return commands.run(command, cwd=stage.cwd, env={}, timeout_s=20, log=stage.folder / "log")
    finally:
        commands.close()


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_a_command_that_prints_without_end_is_ended_and_says_so(stage: Stage, stubborn: str) -> None:
    began = time.monotonic()
    result = flood(stage, f"{stubborn}yes")
    assert time.monotonic() - began < 2
    assert (result.code, result.timed_out, result.cancelled, result.not_run) == (128 + 25, False, False, False)
    assert result.output.startswith("y\ny\n")
    assert result.output.endswith(
        f"\nended: it printed more than 2 MB, which is all that a command may; its output is in {stage.folder / 'log'}"
    )
    assert len(result.output) <= 8_000
    assert (stage.folder / "log").stat().st_size > 2_000_000
    assert stage.marked() == []


def test_a_flood_may_come_late_and_from_a_child(stage: Stage) -> None:
    assert flood(stage, "sleep 0.5; (setsid yes &) ; sleep 20").code == 128 + 25
    assert stage.marked() == []


def test_a_log_may_have_grown_before(stage: Stage) -> None:
    (stage.folder / "log").write_bytes(b"x" * 3_000_000)
    assert flood(stage, "head -c 1500000 /dev/zero; exit 4").code == 4
    assert (stage.folder / "log").stat().st_size > 4_500_000
