"""What becomes of an alert on its way: together with others, tried again, logged, never in the run's way."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.alerts import courier
from orchestrator.alerts.channels import Channel, CommandChannel, Message, ServiceChannel, Undelivered
from orchestrator.alerts.courier import grouped
from orchestrator.alerts.listener import Alerts
from orchestrator.alerts.rules import Alert, Level
from orchestrator.alerts.settings import Settings
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId
from orchestrator.runtime.ports import Marks
from orchestrator.sessions.commands import ShellCommands

MESSAGE = Message(run="night", level=Level.ERROR, title="a title", body="a body\nof two lines; $(not run)")


class Box:
    """A channel that keeps what it takes, and refuses as often as it is told to."""

    name = "box"

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.taken: list[Message] = []

    def send(self, message: Message) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Undelivered("503")
        self.taken.append(message)


class Wrecked:
    name = "wrecked"

    def send(self, message: Message) -> None:
        raise ZeroDivisionError("a library's own fault")


class Journal:
    def __init__(self) -> None:
        self.lines: list[tuple[str, Level, str]] = []

    def __call__(self, what: str, level: Level, words: str) -> None:
        self.lines.append((what, level, words))


def held(bead: str, at: float = 0.0) -> m.BeadHeld:
    return m.BeadHeld(at=at, bead=BeadId(bead), reason="which port? key-123")


def alerts(
    channels: Sequence[Channel], journal: Journal, *, past: Sequence[m.Event] = (), group_s: float = 5.0
) -> Alerts:
    return Alerts(
        Settings(group_s=group_s),
        channels,
        run="night",
        past=past,
        redact=lambda text: text.replace("key-123", "***"),
        headline=lambda: "2 of 3 beads landed.",
        log=journal,
    )


def test_what_comes_together_is_told_together_and_the_end_waits_for_it() -> None:
    box, journal = Box(), Journal()
    listener = alerts([box], journal)
    for bead in ("a", "b", "c"):
        listener.heard(held(bead))
    listener.heard(m.RunFinished(at=1.0, reason=""))
    listener.close()
    (message,) = box.taken
    assert message.level is Level.ERROR
    assert message.body.splitlines()[-1] == "[info] the run has ended. 2 of 3 beads landed."
    assert "key-123" not in message.body
    assert message.body.count("***") == 3
    assert [what for what, _, _ in journal.lines] == ["alert.delivered"]


def test_what_an_earlier_process_told_is_not_told_again() -> None:
    box = Box()
    listener = alerts([box], Journal(), past=[held("a")])
    listener.close()
    assert not box.taken


def test_a_channel_that_refuses_is_asked_again_and_the_log_says_so() -> None:
    box, journal = Box(refusals=1), Journal()
    listener = alerts([box], journal, group_s=0.0)
    listener.heard(held("a"))
    listener.close()
    assert len(box.taken) == 1
    assert [what for what, _, _ in journal.lines] == ["alert.refused", "alert.delivered"]


def test_a_channel_that_breaks_costs_neither_the_run_nor_the_other_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LEAVES_WITHIN_S", 1.0)
    box, journal = Box(), Journal()
    listener = alerts([Wrecked(), box], journal, group_s=0.0)
    listener.heard(held("a"))
    listener.close()
    assert len(box.taken) == 1
    last = [line for line in journal.lines if line[2].startswith("wrecked")][-1]
    assert last[0] == "alert.undelivered"
    assert "ZeroDivisionError" in last[2]


def test_a_flood_is_one_message_that_says_how_much_it_leaves_out() -> None:
    flood = [Alert(at=float(at), rule="failed", level=Level.WARNING, text=f"b{at} failed") for at in range(50)]
    message = grouped("night", [*flood, Alert(at=99, rule="held", level=Level.ERROR, text="held", kept_back=4)])
    lines = message.body.splitlines()
    assert lines[0] == "[error] held (and 4 more like it since the last message)"
    assert len(lines) == 21
    assert lines[-1].startswith("… and 31 more")
    assert message.title == "orchestrator night: 51 things to look at"


def test_a_command_gets_the_message_in_its_environment(tmp_path: Path) -> None:
    commands = ShellCommands(Marks(repository=str(tmp_path)))
    kept = tmp_path / "kept"
    CommandChannel(f'printf "%s|%s|%s" "$ORCHESTRATOR_ALERT_LEVEL" "$ORCHESTRATOR_ALERT_TITLE" '
                   f'"$ORCHESTRATOR_ALERT_BODY" > {kept}', commands).send(MESSAGE)  # fmt: skip
    assert kept.read_text() == f"error|a title|{MESSAGE.body}"


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    commands = ShellCommands(Marks(repository=str(tmp_path)))
    with pytest.raises(Undelivered, match="exited with 3: no such user"):
        CommandChannel("echo no such user; exit 3", commands).send(MESSAGE)


@contextmanager
def webhook(status: int) -> Iterator[tuple[str, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_service_gets_the_message() -> None:
    pytest.importorskip("apprise")
    with webhook(200) as (url, heard):
        ServiceChannel(url).send(MESSAGE)
    (sent,) = heard
    assert (sent["title"], sent["message"], sent["type"]) == ("a title", MESSAGE.body, "failure")


def test_a_service_that_refuses_says_why_and_nothing_secret() -> None:
    pytest.importorskip("apprise")
    with webhook(500) as (url, _), pytest.raises(Undelivered, match="500") as refused:
        ServiceChannel(url).send(MESSAGE)
    assert "hook" not in str(refused.value)
