"""What an ended session amounts to: the one place where each class of ending is decided.

Knows how much each kind of evidence is worth. Does not know how the evidence was gathered (`reading`), whether
anything changed (git says that), or what a class leads to (policy).

In this order:
1. what the program wrote into its outcome file, if it is bad news; good news only beside an end that is good as well;
2. the agent's own final event;
3. its exit, with what its profile says about that;
4. its last words: texts after which nothing came, of a session that did not end well.
Nothing else classifies: what was retried, read, said or written on the way means nothing.

What is only asked of a bad end is imported there: dozens of patterns, which take longer to compile than a run to open.
"""

from __future__ import annotations

import signal
from datetime import tzinfo

from orchestrator.agents.outcome import Outcome
from orchestrator.agents.profile import Profile, Stream
from orchestrator.agents.stream import one_line, straight
from orchestrator.core.model import Ending, Usage, Verdict
from orchestrator.core.values import Struct, field
from orchestrator.runtime.ports import Exit

MAX_REASON = 300

SUCCESSES = (Ending.DELIVERED, Ending.NO_CHANGE_NEEDED)
TIMED = (Ending.RATE_LIMITED, Ending.USAGE_LIMITED, Ending.OVERLOADED)
"""Endings that a time can belong to."""
RATE_S = 900.0
"""What is limited for longer than this is a used-up window, whatever the provider calls it."""


class Final(Struct, frozen=True, kw_only=True):
    """The agent's own last event."""

    ending: Ending | None = None
    """None: a failure, of the class that its text and status have."""
    text: str = ""
    status: int | None = None


class Evidence(Struct, frozen=True, kw_only=True):
    """What a session left behind."""

    outcome: Outcome | None = None
    final: Final | None = None
    tail: tuple[str, ...] = ()
    """The last lines that are no events, put together where the terminal had wrapped them."""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)
    retry_at: float | None = None
    """When an event said that a limit is lifted."""


class _Finding(Struct, frozen=True, kw_only=True):
    ending: Ending
    text: str = ""
    """What is told as the reason."""
    source: str = ""
    """Where a time would stand."""


def verdict(profile: Profile, evidence: Evidence, exit: Exit, *, at: float, local: tzinfo | None = None) -> Verdict:
    """`at` is the present; `local` the zone of times that name none (None: this machine's)."""
    finding = _with_outcome(_end(profile, evidence, exit), evidence.outcome)
    retry_at = _retry_at(finding, evidence, at, local) if finding.ending in TIMED else None
    lasting = finding.ending is Ending.RATE_LIMITED and retry_at is not None and retry_at > at + RATE_S
    return Verdict(
        ending=Ending.USAGE_LIMITED if lasting else finding.ending,
        reason=one_line(finding.text, MAX_REASON),
        session=evidence.session,
        usage=evidence.usage,
        retry_at=retry_at,
    )


def _retry_at(finding: _Finding, evidence: Evidence, at: float, local: tzinfo | None) -> float | None:
    """Words may name the minute only. An event's time is believed where it lies ahead, and not too far."""
    from orchestrator.agents.reset_time import FARTHEST_S, reset_time

    said = evidence.retry_at
    if said is not None and at < said <= at + FARTHEST_S:
        return said
    return reset_time(finding.source, at, local=local)


def _with_outcome(end: _Finding, outcome: Outcome | None) -> _Finding:
    if outcome is None:
        return end
    if outcome.ending is None:
        said = "; ".join(part for part in (outcome.fault, outcome.reason, end.text) if part)
        return _Finding(ending=end.ending, text=said, source=end.source)
    if outcome.ending in SUCCESSES:
        if end.ending in SUCCESSES:
            return _Finding(ending=outcome.ending, text=outcome.reason or end.text)
        said = f"{end.text or end.ending} (although it had written: {outcome.reason or outcome.ending})"
        return _Finding(ending=end.ending, text=said, source=end.source)
    return _Finding(ending=outcome.ending, text=outcome.reason or end.text, source=outcome.reason)


def _end(profile: Profile, evidence: Evidence, exit: Exit) -> _Finding:
    if evidence.final is not None:
        return _final(profile, evidence.final)
    if exit.forced:
        return _Finding(ending=Ending.CRASHED, text="ended by us")
    if exit.code is None:
        # Among the events of a stream, the lines that are none are warnings of no weight here.
        tail = evidence.tail if profile.stream is Stream.TEXT else ()
        return _Finding(ending=Ending.CRASHED, text=_because(f"ended by {_signal(exit.signal)}", tail))
    for rule in profile.exits:
        if exit.code in rule.codes:
            text = rule.reason or _because(f"exit {exit.code}", evidence.tail)
            return _Finding(ending=rule.ending, text=text, source=" ".join(evidence.tail))
    badly = exit.code != 0 or profile.has_final or profile.quirks.exit_zero_on_failure
    if badly and (finding := _last_words(profile, evidence.tail)) is not None:
        return finding
    if exit.code != 0:
        return _Finding(ending=Ending.CRASHED, text=_because(_exit(exit.code), evidence.tail))
    if profile.has_final:
        return _Finding(ending=Ending.CRASHED, text=_because("it ended without its final event", evidence.tail))
    return _Finding(ending=Ending.DELIVERED)


def _final(profile: Profile, final: Final) -> _Finding:
    if final.ending is not None:
        return _Finding(ending=final.ending, text=final.text, source=final.text)
    from orchestrator.agents import words

    text = straight(final.text)
    found = words.first((*profile.words.rules, *words.NARROW), text)
    ending = found[0] if found else words.of_status(final.status)
    if ending is None:
        found = words.first((*words.WIDE, *words.STREAMED), text)
        ending = found[0] if found else Ending.CRASHED
    return _Finding(ending=ending, text=final.text or "it failed, and did not say why", source=final.text)


def _last_words(profile: Profile, tail: tuple[str, ...]) -> _Finding | None:
    from orchestrator.agents import words

    rules = profile.words.rules
    if profile.words.common:
        rules += (*words.NARROW, *words.WIDE, *(words.STREAMED if profile.has_final else ()))
    # A text that the terminal wrapped at a place we did not see is whole again in one line.
    text = straight(" ".join(tail))
    found = words.first(rules, text)
    if found is None:
        return None
    ending, match = found
    place = 0
    for line in tail:
        if match.start() <= place + len(line):
            return _Finding(ending=ending, text=line, source=text[place:])
        place += len(line) + 1
    return _Finding(ending=ending, text=match[0], source=text)


def _because(what: str, tail: tuple[str, ...]) -> str:
    return f"{what}: {tail[-1]}" if tail else what


def _exit(code: int) -> str:
    match code:
        case 126:
            return "exit 126 (a command in it is not executable)"
        case 127:
            return "exit 127 (a command in it was not found)"
        case code if code > 128 and code - 128 in {member.value for member in signal.Signals}:
            return f"exit {code} (as after {_signal(code - 128)})"
    return f"exit {code}"


def _signal(number: int | None) -> str:
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return "a signal" if number is None else f"signal {number}"
