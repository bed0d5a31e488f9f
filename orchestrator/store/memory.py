"""A store that forgets everything with its process: for tests and benchmarks of what uses one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.core import messages as m
from orchestrator.store.codec import decode, encode


class MemoryStore:
    """Keeps texts, as a database does, so that an event which cannot be written is noticed here too."""

    def __init__(self) -> None:
        self._log: list[tuple[str, str]] = []
        self._asked: list[m.Asked] = []

    def append(self, events: Sequence[m.Event]) -> None:
        self._log += [(type(event).__name__, encode(event)) for event in events]
        answered = {event.request for event in events if isinstance(event, m.RequestAnswered)}
        self._asked = [asked for asked in self._asked if asked.request not in answered]

    def events(self) -> Iterable[m.Event]:
        return [decode(kind, body) for kind, body in self._log]

    def ask(self, asked: m.Asked) -> None:
        self._asked.append(asked)

    def requests(self) -> Sequence[m.Asked]:
        return list(self._asked)

    def close(self) -> None:
        """Nothing is held."""
