"""A program in a terminal: what it finds there, what of it arrives, and what is said when it cannot be started."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.messages import Spawned
from orchestrator.runtime.ports import Exit, SpawnFailed
from tests.adapters.sessions.conftest import Stage


def test_a_program_has_a_controlling_terminal_of_our_size(stage: Stage) -> None:
    show = stage.play("tty; stty size; echo by name >/dev/tty; cut -d' ' -f1,6,7 /proc/$$/stat")
    assert show.ended() == Exit(code=0)
    tty, size, by_name, stat = show.reader.heard.decode().split("\r\n")[:4]
    assert tty.startswith("/dev/pts/")
    assert size == "40 120"
    assert by_name == "by name"
    pid, session, terminal = stat.split()
    assert pid == session
    assert os.minor(int(terminal)) == int(tty.removeprefix("/dev/pts/"))


def test_a_program_gets_the_environment_of_its_launch_with_our_marks(stage: Stage) -> None:
    show = stage.play(stage.launch("env", env={"COLOUR": "blue"}))
    show.ended()
    found = dict(line.split("=", 1) for line in show.reader.heard.decode().split("\r\n") if line)
    assert found["COLOUR"] == "blue"
    assert found["ORCHESTRATOR_MARK"] == stage.marks.repository
    assert found["ORCHESTRATOR_TOKEN"] == "1"
    assert "HOME" not in found


def test_a_program_is_named_by_its_pid_and_start(stage: Stage) -> None:
    show = stage.play("echo $$; sleep 0.2")
    show.ended()
    spawned = show.first(Spawned)
    assert show.signals[0] is spawned
    assert spawned.process.pid == int(show.reader.heard)
    assert spawned.at - 5 < spawned.process.started < spawned.at + 5
    assert spawned.worktree == str(stage.cwd)


@pytest.mark.parametrize(
    ("script", "exit"),
    [("exit 0", Exit(code=0)), ("exit 3", Exit(code=3)), ("kill -9 $$", Exit(code=None, signal=9))],
)
def test_how_a_program_ended_is_told(stage: Stage, script: str, exit: Exit) -> None:
    assert stage.play(script).ended() == exit


def test_a_program_is_looked_for_in_the_path_of_its_launch(stage: Stage) -> None:
    with pytest.raises(SpawnFailed, match=r"no program wonder-agent in /nowhere:/usr/bin"):
        stage.play(stage.launch("wonder-agent", env={"PATH": "/nowhere:/usr/bin"}))


def test_a_relative_program_is_looked_for_in_the_worktree(stage: Stage) -> None:
    (stage.cwd / "agent.sh").write_text("#!/bin/sh\necho here\n")
    with pytest.raises(SpawnFailed, match=r"tree/agent\.sh is not an executable program"):
        stage.play(stage.launch("./agent.sh"))
    (stage.cwd / "agent.sh").chmod(0o755)
    show = stage.play(stage.launch("./agent.sh"))
    assert show.ended().code == 0
    assert show.reader.heard == b"here\r\n"


@pytest.mark.parametrize("program", ["/no/such/agent", "/tmp"])
def test_a_path_that_is_no_program_is_named(stage: Stage, program: str) -> None:
    with pytest.raises(SpawnFailed, match=program):
        stage.play(stage.launch(program))


def test_a_worktree_that_is_gone_is_named(stage: Stage) -> None:
    stage.cwd.rmdir()
    with pytest.raises(SpawnFailed, match=r"no folder .*/tree"):
        stage.play("true")


def test_arguments_that_the_machine_refuses_fail_the_start(stage: Stage) -> None:
    with pytest.raises(SpawnFailed, match="too long"):
        stage.play(stage.launch("echo", "x" * 200_000))


def test_a_script_without_its_interpreter_ends_with_the_shells_word(stage: Stage) -> None:
    script = stage.cwd / "agent"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    show = stage.play(stage.launch(str(script)))
    assert show.ended().code in (126, 127)
    assert b"agent" in show.reader.heard


def test_files_are_written_where_they_are_missing_and_only_there(stage: Stage) -> None:
    new, old = stage.cwd / "home" / ".agent" / "trust.json", stage.cwd / "mine"
    old.write_text("mine")
    show = stage.play(stage.launch("cat", str(new), files={new: '{"trusted": true}', old: "theirs"}))
    show.ended()
    assert show.reader.heard == b'{"trusted": true}'
    assert new.stat().st_mode & 0o777 == 0o600
    assert old.read_text() == "mine"
    assert [path.name for path in new.parent.iterdir()] == ["trust.json"]


def test_a_file_that_cannot_be_written_fails_the_start(stage: Stage) -> None:
    (stage.cwd / "file").touch()
    with pytest.raises(SpawnFailed, match="file/trust could not be written"):
        stage.play(stage.launch("true", files={stage.cwd / "file" / "trust": ""}))


def test_a_line_of_5_mb_arrives_whole(stage: Stage) -> None:
    show = stage.play('head -c 5000000 /dev/zero | tr "\\0" x; echo END')
    assert show.ended().code == 0
    assert show.reader.heard == b"x" * 5_000_000 + b"END\r\n"
    assert sum(len(json.loads(line)[2]) for line in show.cast.read_text().splitlines()[1:]) == 5_000_005


def test_bytes_that_are_no_text_arrive_as_they_are(stage: Stage) -> None:
    show = stage.play(r"printf 'gr\374n \342\202'; sleep 0.05; printf '\254 \377'")
    show.ended()
    assert show.reader.heard == b"gr\xfcn \xe2\x82\xac \xff"
    text = "".join(json.loads(line)[2] for line in show.cast.read_text().splitlines()[1:])
    assert text == "gr\ufffdn € \ufffd"


def test_a_program_may_close_its_terminal_and_come_back_to_it(stage: Stage) -> None:
    show = stage.play("exec 0<&- 1>&- 2>&-; sleep 0.1; echo back again >/dev/tty; sleep 1.2; exit 4")
    assert show.ended() == Exit(code=4)
    assert b"back again" in show.reader.heard


def test_what_a_program_says_as_it_comes_back_and_leaves_is_heard(stage: Stage) -> None:
    """Its terminal was hung up a moment before, and is not asked again for a second."""
    for _ in range(5):
        show = stage.play("exec 0<&- 1>&- 2>&-; sleep 0.05; echo last words >/dev/tty; exit 4")
        assert show.ended() == Exit(code=4)
        assert b"last words" in show.reader.heard


def test_sessions_inherit_no_descriptor_of_ours(stage: Stage) -> None:
    first = stage.play("echo up; sleep 60")
    first.says(b"up")
    second = stage.play("ls -l /proc/$$/fd")
    second.ended()
    opened = [line.split(" -> ")[1] for line in second.reader.heard.decode().split("\r\n") if " -> " in line]
    assert len(opened) >= 3
    assert {place.split("/")[2] for place in opened if place != "/bin/sh"} == {"pts"}
    first.session.end("over", 0)
    first.ended()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Every descriptor below 1,100 is taken, so that `select` would fail on the next."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this machine allows no more than 1,024 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    taken = [os.open("/dev/null", os.O_RDONLY)]
    try:
        while taken[-1] < 1100:
            taken.append(os.dup(taken[0]))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_a_terminal_beyond_descriptor_1024_is_read(stage: Stage) -> None:
    show = stage.play("echo far out")
    assert show.ended().code == 0
    assert show.reader.heard == b"far out\r\n"


def test_a_recording_that_cannot_be_written_does_not_stop_the_session(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("not a folder")
    show = stage.play("sleep 0.1; echo on; exit 0")
    assert show.ended().code == 0
    assert any("the recording was given up" in getattr(signal, "note", "") for signal in show.signals)


def test_a_python_agent_sees_a_terminal_on_all_three_streams(stage: Stage) -> None:
    show = stage.play(stage.launch(sys.executable, "-c", "import os; print([os.isatty(n) for n in (0, 1, 2)])"))
    show.ended()
    assert show.reader.heard == b"[True, True, True]\r\n"
