"""Who is told when it matters: the alerts of a run, and the test of their channels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app.clock import SystemClock
from orchestrator.app.loading import load, repository_of
from orchestrator.app.orders import Refused
from orchestrator.core import messages as m
from orchestrator.core.state import State
from orchestrator.runtime.ports import Listener, Marks

if TYPE_CHECKING:
    from orchestrator.alerts.rules import Level, Rule


def alerts(table: Mapping[str, Any], state: State, past: Sequence[m.Event], folder: Path, marks: Marks) -> Listener:
    """The listener that tells a person. `past`: what earlier processes of the run have told; `folder`: of the logs."""
    from orchestrator.alerts.listener import Alerts
    from orchestrator.alerts.settings import channels, settings
    from orchestrator.sessions.commands import ShellCommands
    from orchestrator.sessions.redaction import hiding
    from orchestrator.views.headline import headline
    from orchestrator.views.side_log import SideLog

    asked, redact, name = settings(table), hiding(os.environ), state.manifest.name
    log = SideLog(folder / "alerts.jsonl", run=name, redact=redact, now=SystemClock().now)

    def note(event: str, level: Level, words: str) -> None:
        log.note(event, level.name.lower(), words)

    return Alerts(
        asked,
        channels(asked, ShellCommands(marks)),  # not the run's: those end with it, and the last word comes after that
        run=name,
        past=past,
        redact=redact,
        headline=lambda: headline(state),
        log=note,
    )


class FollowedAlerts:
    """The alerts that a manifest asks for; asked anew when its settings are reloaded. Nobody is told while it names
    nobody, and nothing that telling needs is imported."""

    def __init__(
        self,
        table: Mapping[str, Any],
        make: Callable[[Mapping[str, Any]], Listener],
        again: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`again` reads the table anew; what it raises as `ManifestFaults` leaves it as it was."""
        self._table, self._make, self._again = table, make, again
        self._alerts = make(table) if table.get("to") else None

    def heard(self, event: m.Event) -> None:
        if isinstance(event, m.RequestAnswered) and event.verb is m.Verb.RELOAD and event.accepted:
            self._reload()
        if self._alerts is not None:
            self._alerts.heard(event)

    def _reload(self) -> None:
        from orchestrator.manifest import ManifestFaults

        try:
            table = self._again()
        except ManifestFaults:
            return  # it was sound when the reload was asked for, and is being written on
        if table != self._table:
            self.close()
            self._table = table
            self._alerts = self._make(table) if table.get("to") else None

    def close(self) -> None:
        if self._alerts is not None:
            self._alerts.close()


def alert_rules(manifest: Path) -> tuple[Rule, ...]:
    """The rules as a manifest has them. Raises `ManifestFaults`."""
    from orchestrator.alerts.settings import settings

    loaded, _ = load(manifest, require_routes=False)
    return settings(loaded.alerts).rules


def try_alerts(manifest: Path) -> Iterator[tuple[str, str]]:
    """Send a message to each channel of a manifest: its name, and what went wrong; empty: it was taken.

    Raises `ManifestFaults`, `RepositoryFault` and `Refused`.
    """
    from orchestrator.alerts.channels import Message, Undelivered
    from orchestrator.alerts.rules import Level
    from orchestrator.alerts.settings import channels, settings
    from orchestrator.sessions.commands import ShellCommands

    loaded, _ = load(manifest, require_routes=False)
    asked, name = settings(loaded.alerts), loaded.manifest.name
    if not asked.to:
        raise Refused(f"{manifest} names nobody to be told: `alerts: {{to: [...]}}`")
    commands = ShellCommands(Marks(repository=str(repository_of(loaded).state)))
    message = Message(
        run=name, level=Level.INFO, title=f"orchestrator {name}: a test", body="This is what an alert looks like."
    )
    for channel in channels(asked, commands):
        try:
            channel.send(message)
        except Undelivered as fault:
            yield channel.name, str(fault)
        else:
            yield channel.name, ""
