"""Reads one session's output as it comes: a `Reader` for any profile.

Knows how a profile's rules are applied to events and lines, and gathers the evidence. Does not weigh it (`verdict`).

An agent may print 50 MB in a minute, of which nobody needs more than the end. So lines that no rule knows are not
looked at one by one: those that come in one chunk are one sign, with the last of them as its note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from orchestrator.agents.amounts import NOTHING, amount, less, merged, summed, whole, written
from orchestrator.agents.event import as_number, as_words, first_at, holds, total
from orchestrator.agents.event import note as note_of
from orchestrator.agents.outcome import read_outcome
from orchestrator.agents.profile import Counts, EventRule, Profile, Started, Stream
from orchestrator.agents.stream import Lines, all_shown, may_hold_objects, objects, one_line, shown
from orchestrator.agents.tail import Tail
from orchestrator.agents.verdict import SUCCESSES, Evidence, Final, verdict
from orchestrator.core.model import Ending, Usage, Verdict
from orchestrator.runtime.ports import Exit, Sign

MAX_NOTE = 80
_LITERALLY = re.compile(r"[\w :,-]*")


class OutputReader:
    """`before` is what the resumed session had used already, for programs whose totals go on from that. `session` is
    the one that is resumed, where the program does not say so again. `price` puts a cost to tokens of which nobody
    said one.
    """

    def __init__(
        self,
        profile: Profile,
        outcome_file: Path,
        *,
        before: Usage = NOTHING,
        price: Callable[[Usage], Usage] = lambda usage: usage,
        local: tzinfo | None = None,
        session: str | None = None,
    ) -> None:
        self._profile = profile
        self._outcome_file = outcome_file
        self._before = before
        self._price = price
        self._local = local
        self._lines = Lines()
        self._tail = Tail(profile.words, empty_is_gap=profile.stream is Stream.TEXT)
        self._searches = [(_beginning(rule.matches), rule.matches.search) for rule in profile.lines]
        self._started = profile.started is Started.SPAWN
        self._session = session
        self._usage = Usage()
        self._error: tuple[str, int | None] = ("", None)
        self._closing = ""
        self._retry_at: float | None = None
        self._counted: set[str] = set()
        self._spoilt: Ending | None = None
        self._final: Final | None = None

    def feed(self, chunk: bytes) -> Sequence[Sign]:
        if self._profile.stream is Stream.SCREEN:
            return ()
        text = self._lines.feed(chunk)
        return list(self._read(text[:-1])) if text else []

    def told(self, lines: bytes) -> Sequence[Sign]:
        signs = []
        for line in lines.decode("utf-8", "replace").split("\n"):
            _, events, _ = objects(line)
            signs += [self._event(event) for event in events if self._rules(event)]
        return signs

    def shown(self, screen: str) -> None:
        self._tail.take(screen.split("\n"))

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        for _ in self._read(self._lines.rest()):
            pass  # its last line may lack an end: what it means counts, nobody waits for its signs any more
        outcome = read_outcome(self._outcome_file)
        usage = self._spent()
        if outcome is not None:
            usage = merged(usage, outcome.usage)
            self._session = outcome.session or self._session
        evidence = Evidence(
            outcome=outcome,
            final=self._final,
            tail=self._tail.lines(),
            session=self._session,
            usage=self._price(usage),
            retry_at=self._retry_at,
        )
        return verdict(self._profile, evidence, exit, at=at, local=self._local)

    # ------------------------------------------------------------ lines

    def _read(self, text: str) -> Iterator[Sign]:
        """`text` is one or more lines, the last without its end."""
        if self._profile.stream is Stream.TEXT:
            yield from self._words(text)
            return
        places = may_hold_objects(text)
        if not places:
            yield from self._words(text)
            return
        lines, begin = text.split("\n"), 0
        for place in places:
            if begin < place:
                yield from self._words("\n".join(lines[begin:place]))
            yield from self._line(lines[place])
            begin = place + 1
        if begin < len(lines):
            yield from self._words("\n".join(lines[begin:]))

    def _line(self, line: str) -> Iterator[Sign]:
        """A line of a JSON stream that may have events in it."""
        before, events, behind = objects(line)
        # Behind other words on a line, only what a rule knows is an event: errors are printed as JSON as well.
        if not events or (before.strip() and not any(self._rules(event) for event in events)):
            yield from self._words(line)
            return
        self._tail.gap()
        for event in events:
            yield self._event(event)
        self._tail.add(shown(before))
        self._tail.add(shown(behind))

    def _words(self, text: str) -> Iterator[Sign]:
        """Lines without events. Those between two that a rule knows are one sign at most."""
        if not self._searches:
            yield from self._plain(text.split("\n"))
            return
        text = all_shown(text)
        searches = [search for beginning, search in self._searches if beginning in text]
        lines, begin = text.split("\n"), 0
        known = {place for search in searches for place, line in enumerate(lines) if search(line)}
        for place in sorted(known):
            yield from self._plain(lines[begin:place])
            begin = place + 1
            if (sign := self._known(lines[place])) is not None:
                yield sign
        yield from self._plain(lines[begin:])

    def _plain(self, lines: Sequence[str]) -> Iterator[Sign]:
        """Lines that no rule knows. In a JSON stream they are stderr: kept as last words, but no sign."""
        self._tail.take(lines)
        if self._profile.stream is Stream.JSON:
            return
        last = next((text for line in reversed(lines) if line and (text := shown(line)).strip()), "")
        if last:
            yield self._sign(one_line(last, MAX_NOTE), started=self._profile.started is Started.OUTPUT)

    def _known(self, text: str) -> Sign | None:
        """A line that a rule knows; None: it is no sign of anything."""
        found = [(rule, match) for rule in self._profile.lines if (match := rule.matches.search(text))]
        if not text.strip() or any(rule.hidden for rule, _ in found):
            if self._profile.stream is Stream.TEXT:
                self._tail.gap()
            return None
        self._tail.add(text)
        note = one_line(text, MAX_NOTE)
        for rule, match in found:
            groups = match.groupdict()
            note = one_line(groups.get("note") or note, MAX_NOTE)
            self._session = groups.get("session") or self._session
            said = Usage(
                usd=written(groups.get("usd")),
                tokens_in=whole(written(groups.get("tokens_in"))),
                tokens_out=whole(written(groups.get("tokens_out"))),
            )
            self._usage = summed(self._usage, said) if rule.adds else merged(self._usage, said)
        started = self._profile.started is Started.OUTPUT or any(rule.started for rule, _ in found)
        return self._sign(note, started=started)

    def _sign(self, note: str, *, started: bool) -> Sign:
        return Sign(started=self._begun(started), note=note, session=self._session, usage=self._cost())

    # ------------------------------------------------------------ events

    def _rules(self, event: dict[str, Any]) -> list[EventRule]:
        return [rule for rule in self._profile.events if all(holds(test, event) for test in rule.when)]

    def _event(self, event: dict[str, Any]) -> Sign:
        note, started, final, ending = "", self._profile.started is Started.OUTPUT, False, None
        taken, follow = False, ""
        text, status, ours = *self._error, ""
        for rule in self._rules(event):
            started = started or rule.started
            final = final or rule.final
            taken = taken or rule.taken
            if rule.follow and isinstance(path := first_at(event, rule.follow), str):
                follow = path
            if rule.final or rule.ending is None:
                ending = rule.ending or ending
            else:
                self._spoilt = rule.ending
            note = note_of(rule, event, MAX_NOTE) or note
            if rule.session and isinstance(session := first_at(event, rule.session), str) and session:
                self._session = session
            if said := next((words for place in rule.error if (words := as_words(first_at(event, place)))), ""):
                text, status, ours = said, None, said
            if rule.closing is not None:
                self._closing = as_words(first_at(event, rule.closing)) or self._closing
            if rule.status is not None:
                status = whole(amount(as_number(first_at(event, rule.status)))) or status
            if rule.retry_at is not None:
                self._retry_at = amount(as_number(first_at(event, rule.retry_at))) or self._retry_at
            self._count(rule.usage, event)
        self._error = (text, status)
        if final:
            if ending in SUCCESSES and self._spoilt is not None:
                ending = self._spoilt
            # An error that was got over is not what a good end is about.
            told = text if ending not in SUCCESSES else ours or self._closing
            self._final = Final(ending=ending, text=told, status=status)
        return Sign(
            started=self._begun(started),
            note=note,
            session=self._session,
            usage=self._cost(),
            final=final,
            taken=taken,
            follow=follow,
        )

    def _count(self, counts: Counts, event: dict[str, Any]) -> None:
        if counts.once is not None:
            if (which := as_words(first_at(event, counts.once))) in self._counted:
                return
            self._counted.add(which)
        said = Usage(
            usd=total(counts.usd, event),
            tokens_in=whole(total(counts.tokens_in, event)),
            tokens_out=whole(total(counts.tokens_out, event)),
        )
        self._usage = summed(self._usage, said) if counts.adds else merged(self._usage, said)

    def _spent(self) -> Usage:
        """What this attempt has used so far."""
        if not self._profile.quirks.usage_spans_resume:
            return self._usage
        return less(self._usage, self._before)

    def _cost(self) -> Usage:
        return self._price(self._spent())

    def _begun(self, started: bool) -> bool:
        first = started and not self._started
        self._started = self._started or started
        return first


def _beginning(pattern: re.Pattern[str]) -> str:
    """Characters with which everything begins that it matches; maybe none. Where they are not, it need not search."""
    if "|" in pattern.pattern or pattern.flags & (re.IGNORECASE | re.VERBOSE):
        return ""
    found = _LITERALLY.match(pattern.pattern)
    text = found[0] if found else ""
    return text[:-1] if pattern.pattern[len(text) :].startswith(("?", "*", "{")) else text
