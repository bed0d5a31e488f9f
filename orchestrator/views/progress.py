"""Progress of `run`: a live display in a terminal, plain lines elsewhere.

Hearing an event takes a snapshot in the control thread, which owns the state; a thread of its own shows it. So a
terminal that is slow, stuck or gone never holds up the run, and nobody reads what another thread changes.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.core import messages as m
from orchestrator.core.state import State
from orchestrator.views.board import board
from orchestrator.views.forecast import Forecast
from orchestrator.views.headline import headline
from orchestrator.views.lines import Line, Lines
from orchestrator.views.naming import Level
from orchestrator.views.panel import panel
from orchestrator.views.spending import cost_in_words, spending, tokens_in_words
from orchestrator.views.times import span

REFRESH_S = 0.25
LEAVE_S = 2.0
"""How long a terminal may take to show the last of it."""

_STYLES = {Level.INFO: "", Level.WARNING: "yellow", Level.ERROR: "red"}


class Progress:
    """Shows `state`, which the control loop changes; hears its events in the same thread."""

    def __init__(
        self,
        state: State,
        console: Console | None = None,
        *,
        clock: Callable[[], float] = time.time,
        lively: bool | None = None,
    ) -> None:
        """`lively`: a display that is redrawn; None: where the console is a terminal that can."""
        self._state = state
        self._console = console or Console(highlight=False)
        self._clock = clock
        self._lively = self._can_redraw() if lively is None else lively
        self._lines = Lines(state)
        self._forecast = Forecast(state)
        self._told: deque[Line] = deque()
        self._board = board(state)
        self._wake = threading.Event()
        self._last_word: tuple[str, ...] = ()
        self._leaving = False
        self._given_up = False
        self._thread: threading.Thread | None = None

    def heard(self, event: m.Event) -> None:
        if self._given_up:
            return
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
                self._thread.start()
            self._forecast.hear(event)
            line = self._lines.line(event)
            if line is not None:
                self._told.append(line)
                if not self._lively:
                    self._wake.set()
            if self._lively:
                self._board = board(self._state, over_at=self._forecast.end(event.at))
        except Exception as fault:  # a display is not worth a night
            self._give_up(fault)

    def close(self) -> None:
        """Show what is left and the last word. Call it once the state changes no more."""
        if self._thread is None:
            return
        with contextlib.suppress(Exception):  # without it, the last word is left out
            self._last_word = self._summary()
        self._leaving = True
        self._wake.set()
        self._thread.join(LEAVE_S)
        self._thread = None

    # ------------------------------------------------------------ its own thread

    def _show(self) -> None:
        try:
            if self._lively:
                self._show_live()
            else:
                self._show_lines()
            for text, style in zip(self._last_word, ("bold", "dim"), strict=False):
                self._print(text, style)
        except (Exception, SystemExit) as fault:  # rich exits where nobody reads
            self._give_up(fault)

    def _show_lines(self) -> None:
        while not self._leaving:
            self._wake.wait()
            self._wake.clear()
            self._print_told()
        self._print_told()

    def _show_live(self) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
            while not self._leaving:
                self._print_told()
                live.update(panel(self._board, self._clock(), height=self._console.size.height - 1), refresh=True)
                self._wake.wait(REFRESH_S)
            self._print_told()

    def _print_told(self) -> None:
        while self._told:
            line = self._told.popleft()
            self._print(line.text, "green" if line.good else _STYLES[line.level])

    def _print(self, text: str, style: str) -> None:
        encoding = self._console.encoding
        known = text.encode(encoding, "replace").decode(encoding)  # a terminal need not know every character
        self._console.print(Text(known, style=style), soft_wrap=True)
        self._console.file.flush()

    # ------------------------------------------------------------

    def _summary(self) -> tuple[str, ...]:
        state = self._state
        took = (state.ended_at or self._clock()) - state.opened_at
        known = spending(state)
        words = [span(took), cost_in_words(known), tokens_in_words(known.tokens) if known.tokens else ""]
        return headline(state), f"{', '.join(word for word in words if word)}. All of it: orchestrator report"

    def _can_redraw(self) -> bool:
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")

    def _give_up(self, fault: BaseException) -> None:
        self._given_up = True
        if not isinstance(fault, BrokenPipeError | SystemExit):  # nobody looks any more
            with contextlib.suppress(OSError, ValueError):
                said = f"warning: progress is shown no more, the run goes on: {type(fault).__name__}: {fault}"
                print(said, file=sys.stderr, flush=True)
