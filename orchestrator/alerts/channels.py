"""How a message reaches a person: the services that apprise knows, or a command of one's own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from orchestrator.alerts.rules import Level
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import Commands

COMMAND_TIMEOUT_S = 30.0


class Message(Struct, frozen=True, kw_only=True):
    """One or more alerts, as a person reads them."""

    run: str
    level: Level
    title: str
    body: str


class Undelivered(Exception):
    """The channel did not take it. Its message says what it answered."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """Fit to be shown: nothing secret is in it."""
        ...

    def send(self, message: Message) -> None:
        """Raises `Undelivered`. May take half a minute."""
        ...


class ServiceChannel:
    """One apprise URL: mail, Slack, Telegram, ntfy, a webhook, the desktop, …"""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        return self._url.partition(":")[0]

    def send(self, message: Message) -> None:
        import logging

        import apprise

        kinds = {
            Level.INFO: apprise.NotifyType.INFO,
            Level.WARNING: apprise.NotifyType.WARNING,
            Level.ERROR: apprise.NotifyType.FAILURE,
        }
        service = apprise.Apprise()
        service.add(self._url)
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            done = service.notify(title=message.title, body=message.body, notify_type=kinds[message.level])
            words = said.getvalue() if hasattr(said, "getvalue") else ""
        if not done:
            raise Undelivered(words.strip().splitlines()[-1] if words.strip() else "it was refused without a reason")


class CommandChannel:
    """A shell command with the message in its environment."""

    def __init__(self, command: str, commands: Commands) -> None:
        self._command = command
        self._commands = commands

    @property
    def name(self) -> str:
        return self._command.split()[0]

    def send(self, message: Message) -> None:
        env: Mapping[str, str] = {
            "ORCHESTRATOR_RUN": message.run,
            "ORCHESTRATOR_ALERT_LEVEL": message.level.name.lower(),
            "ORCHESTRATOR_ALERT_TITLE": message.title,
            "ORCHESTRATOR_ALERT_BODY": message.body,
        }
        with tempfile.TemporaryDirectory(prefix="orchestrator-alert-") as folder:
            result = self._commands.run(
                self._command,
                cwd=Path(folder),
                env=env,
                timeout_s=COMMAND_TIMEOUT_S,
                log=Path(folder) / "output",
            )
        if result.timed_out:
            raise Undelivered(f"it did not end within {COMMAND_TIMEOUT_S:g} s")
        if result.code != 0:
            raise Undelivered(f"it exited with {result.code}: {result.output.strip()[-300:]}")


def service_fault(url: str) -> str:
    """What is wrong with a URL; empty: nothing."""
    try:
        import apprise
    except ImportError:
        return "alerts to services need apprise: `pip install 'orchestrator[alerts]'`"
    if apprise.Apprise().add(url):
        return ""
    return f"'{url.partition(':')[0]}:…' is no address that apprise knows (its documentation lists them)"
