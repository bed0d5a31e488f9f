"""The report in words, as Markdown. The first line is the truth in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from orchestrator.core.model import BeadState
from orchestrator.views import collisions
from orchestrator.views.headline import flaky_in_words, one_line
from orchestrator.views.history import Try
from orchestrator.views.predictions import in_words
from orchestrator.views.recoveries import percentiles
from orchestrator.views.spending import cost_in_words, tokens_in_words
from orchestrator.views.times import moment, span

if TYPE_CHECKING:
    from orchestrator.views.report import Done, Report, Undone

STATE_FOLDER = ".git/orchestrator/"

_FOR_A_PERSON = (BeadState.HELD, BeadState.FAILED)


def as_markdown(report: Report) -> str:
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {report.summary}"
    yield ""
    yield from _opening(report)
    for title, lines in (
        ("To decide", _to_decide(report)),
        ("Landed", _landed(report)),
        ("Nothing was needed", _needless(report)),
        ("Also not done", _others(report)),
        ("Beyond their worktrees", _crossings(report)),
        ("What it took", _effort(report)),
        ("Proof", _proof(report)),
    ):
        section = list(lines)
        if section:
            yield from ["", f"## {title}", "", *section]


def _opening(report: Report) -> Iterator[str]:
    until = moment(report.ended, report.began) if report.ended is not None else "now"
    yield f"Run `{report.name}`, {report.state}, {moment(report.began)} to {until}. Target: `{report.target}`."
    if report.tally.landed:
        yield f"Look at it: `{report.look}`"
    if report.push:
        yield report.push if report.pushed else f"**{one_line(report.push)}**"
    if report.moved:
        yield one_line(report.moved)
    if report.requests:
        yield one_line(report.requests) if report.proposed else f"**{one_line(report.requests)}**"
    yield ""
    if report.checks and report.tally.landed:
        yield f"Every merged tree has passed {_commands(report.checks)} before the target moved to it."
    elif report.checks:
        yield f"A merged tree must pass {_commands(report.checks)} before the target moves to it."
    else:
        yield "**No checks are configured (`verify` is empty): nothing but the merge itself was checked.**"
    if report.own_checks:
        their = "its" if report.own_checks == 1 else "their"
        yield f"{report.own_checks} of the beads that landed had passed checks of {their} own before."


def _commands(commands: tuple[str, ...]) -> str:
    return ", ".join(f"`{command}`" for command in commands)


# ---------------------------------------------------------------- beads


def _to_decide(report: Report) -> Iterator[str]:
    for each in sorted(report.undone, key=lambda each: each.state is not BeadState.HELD):
        if each.state in _FOR_A_PERSON:
            yield from _undecided(report, each)


def _undecided(report: Report, undone: Undone) -> Iterator[str]:
    verb = {BeadState.HELD: "is held"}.get(undone.state, "failed")
    if undone.asked:
        verb = "asks"
    yield f"- **{undone.bead}** ({one_line(undone.title)}) {verb}: {one_line(undone.reason) or 'no reason was given'}"
    waiting = [each.bead for each in report.undone if undone.bead in (cause for cause, _ in each.causes)]
    if waiting:
        yield f"  - waiting for it: {', '.join(waiting)}"
    if undone.tries:
        yield from (f"  - {try_in_words(each)}" for each in undone.tries)
        where = f"  - its work: branch `{undone.branch}`"
        if saved := undone.tries[-1].saved:
            where += f", last saved as `{saved[:12]}`"
        yield where
        yield f"  - its last session: `{STATE_FOLDER}{undone.recordings[-1]}`"
    if undone.command:
        word = "answer" if undone.asked else "let it go" if undone.state is BeadState.HELD else "try again"
        yield f"  - {word}: `{undone.command}`"


def try_in_words(each: Try) -> str:
    took = f", {span(each.seconds)}" if each.seconds is not None else ""
    if each.refused:
        how = f"delivered, and refused by the merge: {one_line(each.refused)}"
    elif each.ending is None:
        how = "under way"
    else:
        how = each.ending.value + (f": {one_line(each.reason)}" if each.reason else "")
    return f"attempt {each.number}, {each.route}{took}: {how}"


def _landed(report: Report) -> Iterator[str]:
    landed = [each for each in report.done if each.commit is not None and not each.earlier]
    earlier = [each for each in report.done if each.earlier]
    if landed:
        yield "| bead | what | commit | route | attempts | time | cost |"
        yield "| --- | --- | --- | --- | --: | --: | --: |"
    for each in landed:
        time = span(each.seconds) if each.seconds is not None else ""
        cells = [
            each.bead, each.title, f"`{(each.commit or '')[:7]}`", each.route or "", str(each.attempts), time,
            _cost(each),
        ]  # fmt: skip
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    if landed and earlier:
        yield ""
    if earlier:
        yield f"On the target since before this run: {', '.join(each.bead for each in earlier)}."


def _cost(done: Done) -> str:
    if done.usd is not None:
        return f"${done.usd:.2f}"
    return "none" if done.free else "unknown"


def _needless(report: Report) -> Iterator[str]:
    for each in report.done:
        if each.commit is None:
            yield f"- **{each.bead}** ({one_line(each.title)}): {one_line(each.reason)}"


def _others(report: Report) -> Iterator[str]:
    for each in report.undone:
        if each.state not in _FOR_A_PERSON:
            reason = f": {one_line(each.reason)}" if each.reason else ""
            if each.causes:
                reason = ": it needs " + ", ".join(f"{cause} ({state})" for cause, state in each.causes)
            again = f"; try again: `{each.command}`" if each.command else ""
            yield f"- **{each.bead}** ({one_line(each.title)}) is {each.state}{reason}{again}"
    by_reason: dict[str, list[str]] = {}
    for bead, reason in report.skipped:
        by_reason.setdefault(reason, []).append(bead)
    for reason, beads in by_reason.items():
        yield f"- not part of the run ({one_line(reason)}): {', '.join(beads)}"


def _crossings(report: Report) -> Iterator[str]:
    for bead, each in report.crossings:
        yield from (f"- **{bead}**, {line}" for line in strays_in_words(each))


def strays_in_words(each: Try) -> Iterator[str]:
    """What is shown to be its agent's, and what may be a person's doing."""
    shown = [stray for stray in each.strays if stray.shown]
    rest = [stray for stray in each.strays if not stray.shown]
    if shown:
        told = "; ".join(f"{stray.ground} `{stray.what}`: {one_line(stray.how)}" for stray in shown)
        yield f"attempt {each.number} went beyond its worktree: {told}"
    if rest:
        told = "; ".join(f"{stray.ground} `{stray.what}`: {one_line(stray.how)}" for stray in rest)
        beside = f" (beside it at work: {', '.join(each.beside)})" if each.beside else ""
        yield f"while attempt {each.number} ran{beside}, by whom is not known: {told}"


# ---------------------------------------------------------------- what it took


def _effort(report: Report) -> Iterator[str]:
    effort = report.effort
    if effort.parallelism is None:
        yield "- Time: none"
    else:
        yield (
            f"- Time: {span(effort.wall_s)}; agents together {span(effort.agent_s)}, so "
            f"{effort.parallelism:.1f} at once on average, with {effort.workers} workers"
        )
    spent = effort.spent
    cost = cost_in_words(spent) or "none"
    tokens = f"; {tokens_in_words(spent.tokens)}" if spent.tokens is not None else ""
    yield f"- Cost: {cost.removeprefix('cost ')}{tokens}"
    if effort.attempts:
        endings = ", ".join(f"{count} {ending}" for ending, count in effort.endings.items())
        going = effort.attempts - sum(effort.endings.values())
        endings += f", {going} under way" if going else ""
        yield f"- Attempts: {effort.attempts} ({endings.removeprefix(', ')})"
    if foretold := in_words(effort.predictions):
        yield f"- {foretold.removesuffix('.')}"
    if seen := collisions.in_words(effort.collisions):
        yield f"- {seen.removesuffix('.')}"
    if effort.refused:
        yield f"- The merge refused {effort.refused} of those that had delivered"
    if effort.recoveries.failures:
        known, back = percentiles(effort.recoveries.known_s), percentiles(effort.recoveries.back_s)
        told = [f"known after {_ranks(known)}"] if known else []
        told += [f"at work again after {_ranks(back)}"] if back else []
        yield f"- Workers that failed: {'; '.join([str(effort.recoveries.failures), *told])}"
    if report.flaky:
        yield f"- Flaky checks, which failed and then passed on the same tree: {flaky_in_words(report.flaky)}"
    for each in effort.openings:
        until = "until a person resumes it" if each.until is None else f"until {moment(each.until, each.at)}"
        yield f"- {each.route} was shut at {moment(each.at)} {until}: {one_line(each.reason)}"
    if effort.deaths:
        times = "once" if effort.deaths == 1 else f"{effort.deaths} times"
        yield f"- The orchestrator itself died {times}, and went on where it was"


def _ranks(found: Mapping[str, float]) -> str:
    """`0.2 s (median), 1.9 s (95 %), 2.0 s (worst)`."""
    return f"{found['p50']:.1f} s (median), {found['p95']:.1f} s (95 %), {found['p100']:.1f} s (worst)"


def _proof(report: Report) -> Iterator[str]:
    if report.proof is None:
        yield "Not proved. `orchestrator prove` holds all this against git."
        return
    for each in report.proof:
        detail = f": {one_line(each.detail)}" if each.detail else ""
        yield f"- {'holds' if each.holds else '**does not hold**'}: {one_line(each.claim)}{detail}"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
