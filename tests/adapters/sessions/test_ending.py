"""The end of a session: everything that it started is gone, and one verdict is told."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.core.messages import GaveSign, Progressed, SessionEnded, Spawned
from orchestrator.core.model import Ending
from orchestrator.runtime.ports import Exit, SpawnFailed
from tests.adapters.sessions.conftest import Show, Stage, gone, orphan, until

STUBBORN = "trap '' TERM HUP INT; echo deaf; while :; do sleep 0.2; done"
# A background child of a non-interactive shell cannot be told to say its pid before the shell moves on, so it writes
# it down; each of these waits until it has.
WROTE = " while ! [ -s pid ]; do sleep 0.01; done; "
SETSID = "setsid sh -c 'echo $$ >pid; exec sleep 60' &" + WROTE
DOUBLE_FORKED = "( setsid sh -c 'echo $$ >pid; exec sleep 60' </dev/null >/dev/null 2>&1 & );" + WROTE
HOLDS_THE_TERMINAL = "sh -c \"trap '' HUP; echo \\$\\$ >pid; sleep 60\" &" + WROTE


def child(stage: Stage) -> int:
    path = stage.cwd / "pid"
    until(lambda: path.exists() and path.read_text().strip(), "the child's pid")
    return int(path.read_text())


def seconds(show: Show) -> float:
    return show.first(SessionEnded).at - show.signals[0].at


@pytest.mark.parametrize("leaves", [SETSID, DOUBLE_FORKED, HOLDS_THE_TERMINAL])
def test_children_do_not_outlive_an_agent_that_left_by_itself(stage: Stage, leaves: str) -> None:
    show = stage.play(leaves + "echo bye; exit 3")
    assert show.ended() == Exit(code=3)
    assert show.reader.heard.endswith(b"bye\r\n")
    assert gone(child(stage))
    assert seconds(show) < 3


@pytest.mark.parametrize("leaves", [SETSID, DOUBLE_FORKED, HOLDS_THE_TERMINAL])
def test_children_end_with_an_agent_that_we_end(stage: Stage, leaves: str) -> None:
    show = stage.play(leaves + "echo up; sleep 60")
    show.says(b"up")
    show.session.end("enough", 5)
    assert show.ended() == Exit(code=None, signal=15, forced=True)
    assert gone(child(stage))
    assert seconds(show) < 4


def test_a_child_that_hid_from_its_group_and_its_mark_is_known_by_its_parent(stage: Stage) -> None:
    show = stage.play("env -i setsid sh -c 'echo $$ >pid; exec sleep 60' &" + WROTE + "echo up; wait")
    show.says(b"up")
    pid = child(stage)
    try:
        show.session.end("enough", 5)
        show.ended()
        assert gone(pid)
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)  # it has no mark by which the stage could find it


def test_an_orphan_without_a_mark_is_known_by_its_session(stage: Stage) -> None:
    # In a group of its own, its parent gone, its environment too.
    (stage.cwd / "orphan.py").write_text(
        "import os, signal, time\n"
        "os.setpgid(0, 0)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    orphan = "( env -i $PYTHON orphan.py & );"
    show = stage.play(orphan + WROTE + "exit 0")
    pid = child(stage)
    try:
        show.ended()
        assert gone(pid)
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)  # it has no mark by which the stage could find it


LEFT_EVERYTHING = "( env -i setsid sh -c 'echo $$ >pid; sleep 60; exit 1' </dev/null >/dev/null 2>&1 & );" + WROTE


@pytest.mark.parametrize("ending", ["exit 0", "echo up; sleep 60"])
def test_one_that_left_its_session_its_parents_and_its_mark_is_known_by_its_folder(stage: Stage, ending: str) -> None:
    show = stage.play(f"mkdir deep; cd deep; {LEFT_EVERYTHING} cd ..; mv deep/pid .; sleep 0.2; {ending}")
    pid = child(stage)
    [sleeper] = psutil.Process(pid).children()
    try:
        if ending != "exit 0":
            show.says(b"up")
            show.session.end("enough", 5)
        show.ended()
        assert (gone(pid), gone(sleeper.pid)) == (True, True)
    finally:
        for left in (pid, sleeper.pid):
            if not gone(left):
                os.kill(left, signal.SIGKILL)  # it has no mark by which the stage could find it


def test_what_others_run_in_the_worktree_is_spared(stage: Stage) -> None:
    master, slave = pty.openpty()
    elder = orphan(stage.cwd)
    time.sleep(0.05)  # a start is told in hundredths of a second
    show = stage.play("echo up; sleep 60")
    show.says(b"up")
    child = subprocess.Popen(["sleep", "60"], cwd=stage.cwd, start_new_session=True)
    spared = {
        "it was there before": elder,
        "it works elsewhere": orphan(stage.folder),
        "it shows windows": orphan(stage.cwd, env={"DISPLAY": ":0"}),
        "it is another session's": orphan(stage.cwd, env={"ORCHESTRATOR_MARK": "x", "ORCHESTRATOR_TOKEN": "1"}),
        "it has a terminal": orphan(stage.cwd, terminal=os.ttyname(slave)),
        "somebody waits for it": child.pid,
    }
    ours = orphan(stage.cwd)
    try:
        show.session.end("enough", 5)
        show.ended()
        assert gone(ours), "without any of these reasons it is ended"
        assert [why for why, pid in spared.items() if gone(pid)] == []
    finally:
        for pid in spared.values():
            os.kill(pid, signal.SIGKILL)
        child.wait()
        os.close(master)
        os.close(slave)


KEY = "0123456789-sk-abcdefghij"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"it is {KEY}, is it", "it is [redacted], is it"),
        (f"cut off at {KEY[:15]}…", "cut off at [redacted]…"),
        (f"a few characters say nothing {KEY[:7]}…", f"a few characters say nothing {KEY[:7]}…"),
        (f"{KEY[:15]} is not cut", f"{KEY[:15]} is not cut"),
    ],
)
def test_a_key_is_in_nothing_that_is_told(stage: Stage, said: str, told: str) -> None:
    launch = stage.launch("/bin/sh", "-c", f"echo 'sign:{said}'; echo 'why:{said}'; exit 3", env={"A_KEY": KEY})
    show = stage.play(launch)
    verdict = show.first(SessionEnded).verdict
    assert (verdict.reason, [progress.note for progress in show.all(Progressed)]) == (told, [told])


def test_a_key_is_in_no_fault_and_in_no_reason_for_an_end(stage: Stage) -> None:
    show = stage.play(stage.launch("/bin/sh", "-c", "echo boom $A_KEY; sleep 60", env={"A_KEY": KEY}))
    assert "no such event: boom [redacted]" in show.first(SessionEnded).verdict.reason
    assert KEY not in show.cast.read_text()


def test_when_the_orchestrator_is_killed_its_agents_are_hung_up_and_the_rest_is_swept(stage: Stage) -> None:
    program = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {os.fspath(Path(__file__).parents[3])!r})
from tests.adapters.sessions.conftest import Stage
from orchestrator.runtime.ports import Marks
stage = Stage(Path({os.fspath(stage.folder / "other")!r}), Marks(repository={stage.marks.repository!r}))
for script in ("echo $$; exec sleep 60", "trap '' HUP; echo $$; exec sleep 60"):
    show = stage.play(script)
    while b"\\n" not in show.reader.heard:
        time.sleep(0.01)
    print(int(show.reader.heard), flush=True)
time.sleep(60)
"""
    (stage.folder / "other").mkdir()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as orchestrator:
        assert orchestrator.stdout is not None
        obedient, stubborn = (int(orchestrator.stdout.readline()) for _ in range(2))
        orchestrator.kill()
    until(lambda: gone(obedient), "the agent to be hung up")
    assert not gone(stubborn)
    assert stage.sessions.sweep() == 1
    assert gone(stubborn)


def test_sigterm_lets_an_agent_say_its_last_words(stage: Stage) -> None:
    show = stage.play("trap 'echo sign:final; echo saved; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    show.says(b"up")
    show.session.end("enough", 5)
    assert show.ended() == Exit(code=7, forced=True)
    assert b"saved" in show.reader.heard
    assert show.all(Progressed)[-1].note == "final"


def test_an_agent_that_ignores_sigterm_is_killed_after_its_grace(stage: Stage) -> None:
    show = stage.play(STUBBORN)
    show.says(b"deaf")
    show.session.end("enough", 0.5)
    assert show.ended() == Exit(code=None, signal=9, forced=True)
    assert 0.5 <= seconds(show) < 3


def test_an_agent_known_to_ignore_sigterm_gets_no_grace(stage: Stage) -> None:
    show = stage.play(stage.launch("/bin/sh", "-c", STUBBORN, ignores_term=True))
    show.says(b"deaf")
    show.session.end("enough", 30)
    assert show.ended() == Exit(code=None, signal=9, forced=True)
    assert seconds(show) < 5


def test_what_ignores_sigterm_and_was_left_behind_gets_a_short_grace(stage: Stage) -> None:
    show = stage.play("sh -c \"trap '' TERM HUP; echo \\$\\$ >pid; sleep 60\" &" + WROTE + "exit 0", grace_s=0.3)
    assert show.ended() == Exit(code=0)
    assert gone(child(stage))
    assert seconds(show) < 2


def test_being_asked_again_and_from_everywhere_ends_it_once_and_sooner(stage: Stage) -> None:
    show = stage.play(STUBBORN)
    show.says(b"deaf")
    show.session.end("enough", 60)
    callers = [threading.Thread(target=show.session.end, args=("really", 0.2)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert show.ended().signal == 9
    assert seconds(show) < 5
    show.session.end("again", 0)
    assert len(show.all(SessionEnded)) == 1


def test_an_agent_killed_by_somebody_else_is_not_said_to_be_ended_by_us(stage: Stage) -> None:
    show = stage.play("echo up; sleep 60")
    show.says(b"up")
    os.kill(show.first(Spawned).process.pid, signal.SIGKILL)
    assert show.ended() == Exit(code=None, signal=9, forced=False)


def test_a_stopped_agent_hears_that_it_is_to_end(stage: Stage) -> None:
    show = stage.play("echo up; kill -STOP $$; sleep 60")
    show.says(b"up")
    until(lambda: psutil.Process(show.first(Spawned).process.pid).status() == "stopped", "it to stop")
    show.session.end("enough", 20.0)
    assert show.ended() == Exit(code=None, signal=15, forced=True)


def test_an_agent_that_lingers_after_its_final_event_is_ended(stage: Stage) -> None:
    show = stage.play("echo sign:started; echo sign:final; sleep 60", linger_s=0.4)
    assert show.ended().forced
    assert 0.4 <= seconds(show) < 3


def test_an_agent_that_leaves_in_time_after_its_final_event_is_not_forced(stage: Stage) -> None:
    show = stage.play("echo sign:final; sleep 0.2; exit 0", linger_s=10)
    assert show.ended() == Exit(code=0)


def test_the_first_sign_is_the_agents_own(stage: Stage) -> None:
    show = stage.play("echo noise; sleep 0.1; echo sign:started; sleep 0.1; echo sign:started; exit 1")
    show.ended()
    assert len(show.all(GaveSign)) == 1


def test_the_first_sign_may_be_the_start_itself(stage: Stage) -> None:
    show = stage.play("exit 1", at_spawn=True)
    assert isinstance(show.signals[1], GaveSign)
    show.ended()


@pytest.mark.parametrize(("code", "signs"), [(0, 1), (1, 0)])
def test_an_agent_that_ends_well_without_a_sign_had_started(stage: Stage, code: int, signs: int) -> None:
    show = stage.play(f"echo quiet; exit {code}")
    show.ended()
    assert len(show.all(GaveSign)) == signs


def test_a_reader_that_breaks_ends_the_session_as_our_own_fault(stage: Stage) -> None:
    show = stage.play("echo sign:session=abc; sleep 0.1; echo boom; sleep 60 & sleep 60")
    verdict = show.first(SessionEnded).verdict
    assert verdict.ending is Ending.CRASHED
    assert verdict.reason.startswith("a fault of the orchestrator")
    assert "no such event" in verdict.reason
    assert verdict.session == "abc"
    assert stage.marked() == []


def test_a_verdict_that_breaks_is_our_own_fault(stage: Stage) -> None:
    show = stage.play("echo verdict breaks; exit 0")
    verdict = show.first(SessionEnded).verdict
    assert (verdict.ending, "no such word" in verdict.reason) == (Ending.CRASHED, True)


def test_leaving_ends_every_session_and_says_so(stage: Stage) -> None:
    shows = [stage.play(STUBBORN), stage.play("echo up; sleep 60"), stage.play(SETSID + "echo up; sleep 60")]
    for show, word in zip(shows, (b"deaf", b"up", b"up"), strict=True):
        show.says(word)
    began = time.monotonic()
    stage.sessions.close()
    assert time.monotonic() - began < 4
    assert [len(show.all(SessionEnded)) for show in shows] == [1, 1, 1]
    assert stage.marked() == []
    with pytest.raises(SpawnFailed, match="leaving"):
        stage.play("true")
    stage.sessions.close()


def test_the_recording_says_why_a_session_was_ended(stage: Stage) -> None:
    show = stage.play("echo up; sleep 60")
    show.says(b"up")
    show.session.end("it went silent", 5)
    show.ended()
    assert '"m","ended by the orchestrator: it went silent"]' in show.cast.read_text()
