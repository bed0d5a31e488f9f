"""Carries messages to one channel, in a thread of its own: grouped, retried, and never in the run's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import tenacity

from orchestrator.alerts.channels import Channel, Message, Undelivered
from orchestrator.alerts.rules import Alert, Level

RETRIED_FOR_S = 600.0
LEAVES_WITHIN_S = 10.0
"""How long the end of a run waits for its last messages."""
MOST_LINES = 20

Log = Callable[[str, Level, str], None]
"""What was done, how grave it is, and in which words."""


class Courier:
    """One channel's queue and its thread."""

    def __init__(self, channel: Channel, *, run: str, group_s: float, log: Log) -> None:
        self._channel = channel
        self._run = run
        self._group_s = group_s
        self._log = log
        self._waiting: list[Alert] = []
        self._guard = threading.Condition()
        self._leaving = threading.Event()
        self._left_at: float | None = None
        self._thread = threading.Thread(target=self._work, name=f"alerts-{channel.name}", daemon=True)
        self._thread.start()

    def take(self, alert: Alert) -> None:
        with self._guard:
            self._waiting.append(alert)
            self._guard.notify()

    def leave(self) -> None:
        """No more will come: what waits goes at once."""
        self._left_at = time.monotonic()
        self._leaving.set()
        with self._guard:
            self._guard.notify()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._log("alert.undelivered", Level.WARNING, f"{self._channel.name}: the run ended before it was taken")

    def _work(self) -> None:
        while True:
            with self._guard:
                while not self._waiting and not self._leaving.is_set():
                    self._guard.wait()
            self._leaving.wait(self._group_s)  # what comes together is told together
            with self._guard:
                alerts, self._waiting = self._waiting, []
            if not alerts:
                return
            self._deliver(grouped(self._run, alerts))

    def _deliver(self, message: Message) -> None:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Exception),
            wait=tenacity.wait_exponential_jitter(initial=1, max=60),
            stop=self._out_of_time,
            sleep=self._pause,
            before_sleep=self._refused,
            reraise=True,
        )
        try:
            retrying(self._channel.send, message)
        except Exception as fault:  # a service's library may raise anything, and the night goes on
            self._log("alert.undelivered", Level.ERROR, f"{self._channel.name}: {_words(fault)}: {message.title}")
        else:
            self._log("alert.delivered", Level.INFO, f"{self._channel.name}: {message.title}")

    def _refused(self, call: tenacity.RetryCallState) -> None:
        fault = call.outcome.exception() if call.outcome else None
        self._log("alert.refused", Level.WARNING, f"{self._channel.name}: {_words(fault)}; it is tried again")

    def _pause(self, seconds: float) -> None:
        """Cut short by the end of the run, where what is left of the time is for the last tries."""
        if self._leaving.is_set():
            time.sleep(min(seconds, 1.0))
        else:
            self._leaving.wait(seconds)

    def _out_of_time(self, call: tenacity.RetryCallState) -> bool:
        if self._left_at is not None:
            return time.monotonic() > self._left_at + LEAVES_WITHIN_S / 2
        return (call.seconds_since_start or 0.0) > RETRIED_FOR_S


def grouped(run: str, alerts: Sequence[Alert]) -> Message:
    """Several alerts as one message: the gravest first, the rest counted past twenty lines."""
    ordered = sorted(alerts, key=lambda alert: (-alert.level, alert.at))
    lines = [_line(alert) for alert in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(f"… and {len(ordered) - MOST_LINES} more: `orchestrator logs`")
    title = ordered[0].text.partition("\n")[0] if len(ordered) == 1 else f"{len(ordered)} things to look at"
    return Message(run=run, level=ordered[0].level, title=f"orchestrator {run}: {title}"[:200], body="\n".join(lines))


def _words(fault: BaseException | None) -> str:
    return str(fault) if isinstance(fault, Undelivered) else f"{type(fault).__name__}: {fault}"


def _line(alert: Alert) -> str:
    more = f" (and {alert.kept_back} more like it since the last message)" if alert.kept_back else ""
    return f"[{alert.level.name.lower()}] {alert.text}{more}"
