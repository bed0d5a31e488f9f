"""Many sessions at once: nothing is mixed up, nothing is left."""

from __future__ import annotations

import threading

from orchestrator.core.messages import Spawned
from orchestrator.runtime.ports import Exit
from tests.adapters.sessions.conftest import Show, Stage


def test_fifty_sessions_do_not_disturb_each_other(stage: Stage) -> None:
    script = "echo begin $ORCHESTRATOR_TOKEN; setsid sleep 60 & seq 200; echo end $ORCHESTRATOR_TOKEN; exit 5"
    shows = [stage.play(script) for _ in range(50)]
    for number, show in enumerate(shows, 1):
        assert show.ended() == Exit(code=5)
        said = show.reader.heard.decode().split("\r\n")
        assert said == [f"begin {number}", *map(str, range(1, 201)), f"end {number}", ""]
    assert stage.marked() == []


def test_sessions_may_be_opened_and_ended_from_many_threads(stage: Stage) -> None:
    lock, shows = threading.Lock(), list[Show]()

    def work() -> None:
        for _ in range(4):
            with lock:  # the stage counts its shows; opening is what is tried, in the code under test
                show = stage.play("echo up; sleep 60")
            show.says(b"up")
            show.session.end("enough", 5)
            show.ended()
            shows.append(show)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({show.first(Spawned).process for show in shows}) == 24
