"""The listener that hears every event and hands what matters to the couriers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from orchestrator.alerts.channels import Channel
from orchestrator.alerts.courier import LEAVES_WITHIN_S, Courier, Log
from orchestrator.alerts.rules import Alert, Watch
from orchestrator.alerts.settings import Settings
from orchestrator.core import messages as m
from orchestrator.core.values import replace


class Alerts:
    """One run's alerts. What an earlier process of it has heard is not told again, but counts for the cool-downs."""

    def __init__(
        self,
        asked: Settings,
        channels: Sequence[Channel],
        *,
        run: str,
        past: Iterable[m.Event] = (),
        redact: Callable[[str], str],
        headline: Callable[[], str],
        log: Log,
    ) -> None:
        """`headline` says how the run went, in one sentence; asked for when it ends."""
        self._level = asked.level
        self._redact = redact
        self._headline = headline
        self._watch = Watch(asked.rules)
        for event in past:
            for _ in self._watch.hear(event):
                pass
        self._couriers = [Courier(channel, run=run, group_s=asked.group_s, log=log) for channel in channels]

    def heard(self, event: m.Event) -> None:
        for alert in self._watch.hear(event):
            over = isinstance(event, m.RunFinished | m.RunStopped)
            if alert.level >= self._level or over:  # that it is over is what everybody waits for
                self._hand_over(replace(alert, text=f"{alert.text}. {self._headline()}") if over else alert)

    def _hand_over(self, alert: Alert) -> None:
        told = replace(alert, text=self._redact(alert.text))
        for courier in self._couriers:
            courier.take(told)

    def close(self) -> None:
        for courier in self._couriers:
            courier.leave()
        until = time.monotonic() + LEAVES_WITHIN_S
        for courier in self._couriers:
            courier.join(max(0.0, until - time.monotonic()))
