"""From a profile's data, as TOML, YAML or JSON gives it, to a `Profile`, with every fault at its place.

Knows which keys there are and what fits them. Does not know where the data come from.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

from orchestrator.agents import fields
from orchestrator.agents.confining import confinement
from orchestrator.agents.fields import KeyPath, Table, Wrong, kind, meant
from orchestrator.agents.profile import (
    PLACEHOLDERS,
    Counts,
    EventRule,
    EventSource,
    ExitRule,
    Home,
    LastWords,
    LineRule,
    Place,
    Profile,
    Quirks,
    Root,
    Scalar,
    SeedFile,
    SignIn,
    Started,
    Stream,
    Test,
    WordRule,
)
from orchestrator.agents.template import CommandLine
from orchestrator.core.model import AgentName, Ending
from orchestrator.core.template import TemplateFault, Text
from orchestrator.runtime.ports import Dialog, ScreenRules

LONG_PROMPT = "Your task is written in the file {prompt_file}. Read that file to its end first, then do what it says."

ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

ENDINGS = {
    ending.value: ending
    for ending in (
        Ending.DELIVERED,
        Ending.NO_CHANGE_NEEDED,
        Ending.CRASHED,
        Ending.RATE_LIMITED,
        Ending.USAGE_LIMITED,
        Ending.OVERLOADED,
        Ending.UNAVAILABLE,
        Ending.UNREACHABLE,
        Ending.CONTEXT_OVERFLOW,
        Ending.ASKED,
    )
}
"""What an agent's output can tell. The others are for git, the clock and the checks to say."""


def shape(name: str, data: Mapping[str, Any]) -> tuple[Profile | None, list[tuple[KeyPath, str]]]:
    """The profile, and what is wrong with it. There is a profile exactly if nothing is wrong."""
    faults: list[tuple[KeyPath, str]] = []
    top = Table(data, (), faults)
    command = top.get("command", _command)
    profile_parts: dict[str, Any] = {
        "provider": top.get("provider", fields.filled) or name,
        "resume": top.get("resume", _command),
        "continues": top.get("continues", fields.flag) or False,
        "install": top.get("install", fields.text) or "",
        "version": top.get("version", fields.argv) or (),
        "sign_in": top.table("sign_in", _sign_in) or SignIn(),
        "env": tuple((top.get("env", _environment) or {}).items()),
        "pass_env": top.get("pass_env", _names) or (),
        "home": top.get("home", fields.one_of(Home)) or Home.USER,
        "files": top.each("files", _seed_file),
        "share": top.get("share", _shared) or (),
        "typed": top.get("typed", fields.flag) or False,
        "screen": top.table("screen", _screen),
        "event_files": top.each("event_files", _event_source),
        "leave": top.get("leave", fields.text) or "",
        "nudge": top.get("nudge", fields.text) or "",
        "started": top.get("started", fields.one_of(Started)) or Started.SPAWN,
        "stream": top.get("stream", fields.one_of(Stream)) or Stream.TEXT,
        "long_prompt": top.get("long_prompt", _prompt_text) or Text.parse(LONG_PROMPT, PLACEHOLDERS),
        "events": top.each("events", _event_rule),
        "lines": top.each("lines", _line_rule),
        "words": top.table("words", _last_words) or LastWords(),
        "exits": top.each("exits", _exit_rule),
        "quirks": top.table("quirks", _quirks) or Quirks(),
        "sandbox": top.table("sandbox", confinement),
    }
    top.close()
    if data.get("command") is None:
        top.fault("command", "is missing: the program to start, as a list of arguments or as one text")
    if faults or command is None:
        return None, faults
    profile = Profile(name=AgentName(name), command=command, **profile_parts)
    return (None, faults) if _contradictions(profile, top) else (profile, [])


def _contradictions(profile: Profile, top: Table) -> bool:
    if profile.events and profile.stream is not Stream.JSON and not profile.event_files:
        top.fault("events", "are only read when stream = 'json', or from event_files")
    if profile.typed and (profile.screen is None or profile.screen.ready is None):
        top.fault("typed", "needs screen.ready: where to see that a prompt may be typed")
    if profile.stream is Stream.SCREEN and profile.screen is None:
        top.fault("stream", "is 'screen', but there is no screen table that says how to read it")
    starting = [rule.started for rule in profile.events] + [rule.started for rule in profile.lines]
    if profile.started is Started.EVENT and not any(starting):
        top.fault("started", "is 'event', but no rule of events or lines says started = true")
    if profile.command.optional[0]:
        top.fault("command", "begins with a group; the program itself cannot be left out")
    return bool(top.faults)


# ---------------------------------------------------------------- the tables


def _event_rule(table: Table) -> EventRule:
    table.need("when")
    counts = table.table("usage", _counts) or Counts()
    return EventRule(
        when=table.get("when", _tests) or (),
        started=table.get("started", fields.flag) or False,
        session=table.get("session", _path),
        note=table.get("note", _notes) or (),
        error=table.get("error", _paths) or (),
        status=table.get("status", _path),
        retry_at=table.get("retry_at", _path),
        closing=table.get("closing", _path),
        usage=counts,
        taken=table.get("taken", fields.flag) or False,
        follow=table.get("follow", _path),
        final=table.get("final", fields.flag) or False,
        ending=table.get("ending", _ending),
    )


def _counts(table: Table) -> Counts:
    return Counts(
        usd=table.get("usd", _paths) or (),
        tokens_in=table.get("tokens_in", _paths) or (),
        tokens_out=table.get("tokens_out", _paths) or (),
        adds=table.get("adds", fields.flag) or False,
        once=table.get("once", _path),
    )


def _screen(table: Table) -> ScreenRules:
    return ScreenRules(
        ready=table.get("ready", fields.pattern),
        asks=table.get("asks", fields.pattern),
        dialogs=table.each("dialogs", _dialog),
    )


def _dialog(table: Table) -> Dialog:
    table.need("shows", "keys")
    return Dialog(
        shows=table.get("shows", fields.pattern) or re.compile("(?!)"), keys=table.get("keys", fields.text) or ""
    )


def _event_source(table: Table) -> EventSource:
    table.need("path")
    path = table.get("path", _prompt_text) or Text.parse("", ())
    return EventSource(path=path, mine=table.get("mine", _what_is_mine) or ())


def _what_is_mine(value: Any) -> tuple[tuple[str, Text], ...]:
    if not isinstance(value, Mapping):
        raise Wrong("must be a table of paths, each with the text that stands there")
    return tuple((".".join(_path(path)), _prompt_text(text)) for path, text in value.items())


def _line_rule(table: Table) -> LineRule:
    table.need("matches")
    return LineRule(
        matches=table.get("matches", fields.pattern) or re.compile(""),
        started=table.get("started", fields.flag) or False,
        hidden=table.get("hidden", fields.flag) or False,
        adds=table.get("adds", fields.flag) or False,
    )


def _last_words(table: Table) -> LastWords:
    common = table.get("common", fields.flag)
    return LastWords(
        rules=table.each("rules", _word_rule),
        lines=table.get("lines", fields.count) or LastWords().lines,
        after=table.get("after", fields.pattern),
        common=True if common is None else common,
    )


def _word_rule(table: Table) -> WordRule:
    table.need("matches", "ending")
    return WordRule(
        matches=table.get("matches", fields.pattern) or re.compile(""),
        ending=table.get("ending", _ending) or Ending.CRASHED,
    )


def _exit_rule(table: Table) -> ExitRule:
    table.need("codes", "ending")
    return ExitRule(
        codes=table.get("codes", _codes) or (),
        ending=table.get("ending", _ending) or Ending.CRASHED,
        reason=table.get("reason", fields.text) or "",
    )


def _quirks(table: Table) -> Quirks:
    return Quirks(
        ignores_term=table.get("ignores_term", fields.flag) or False,
        exit_zero_on_failure=table.get("exit_zero_on_failure", fields.flag) or False,
        usage_spans_resume=table.get("usage_spans_resume", fields.flag) or False,
        dash_is_option=table.get("dash_is_option", fields.flag) or False,
    )


def _sign_in(table: Table) -> SignIn:
    return SignIn(
        env=table.get("env", _whole_names) or (),
        files=table.get("files", _shared) or (),
        elsewhere=table.get("elsewhere", fields.flag) or False,
    )


def _seed_file(table: Table) -> SeedFile:
    table.need("path", "content")
    content = table.get("content", _text_with("worktree", "model", "scratch", "python"))
    root, path = table.get("path", _place) or (Root.HOME, "")
    return SeedFile(root=root, path=path, content=content or Text.parse("", ()))


# ---------------------------------------------------------------- the values


def _command(value: Any) -> CommandLine:
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise Wrong(f"cannot be split into arguments: {error}") from None
    if not isinstance(value, list) or not value:
        raise Wrong("must be a list of arguments, or one text, and not be empty")
    for item in value:
        group = item if isinstance(item, list) else [item]
        if not group or not all(isinstance(part, str) for part in group):
            raise Wrong(f"has {item!r} in it; an argument is a text (in quotes), or a list of texts that go together")
        if any("\0" in part for part in group):
            raise Wrong("has a NUL in it")
    if isinstance(value[0], str) and not value[0].strip():
        raise Wrong("names no program")
    try:
        return CommandLine.parse(value, PLACEHOLDERS)
    except TemplateFault as fault:
        raise Wrong(str(fault)) from None


def _names(value: Any) -> tuple[str, ...]:
    names = fields.argv(value)
    for name in names:
        if not ENV_NAME.fullmatch(name.removesuffix("*")):
            raise Wrong(f"has '{name}', which is no name of an environment variable")
    return names


def _whole_names(value: Any) -> tuple[str, ...]:
    names = _names(value)
    if any(name.endswith("*") for name in names):
        raise Wrong("must name variables wholly, without '*'")
    return names


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Wrong(f"must be a table of names and texts, not {kind(value)}")
    for name, text in value.items():
        if not isinstance(name, str) or not ENV_NAME.fullmatch(name):
            raise Wrong(f"has '{name}', which is no name of an environment variable")
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise Wrong(f"has {name} = {text!r}; write the value in quotes")
        if "\0" in str(text):
            raise Wrong(f"has a NUL in {name}")
    return {name: str(text) for name, text in value.items()}


def _tests(value: Any) -> tuple[Test, ...]:
    if not isinstance(value, Mapping) or not value:
        raise Wrong("must be a table of paths, each with what its value must be")
    return tuple(_test(_path(path), wanted) for path, wanted in value.items())


def _test(path: Place, wanted: Any) -> Test:
    if not isinstance(wanted, Mapping):
        return Test(path=path, any_of=_scalars(wanted))
    known = ("matches", "exists", "not")
    for key in wanted:
        if key not in known:
            raise Wrong(f"has the unknown test '{key}'" + meant(str(key), known))
    return Test(
        path=path,
        none_of=_scalars(wanted["not"]) if "not" in wanted else None,
        matches=fields.pattern(wanted["matches"]) if "matches" in wanted else None,
        exists=fields.flag(wanted["exists"]) if "exists" in wanted else None,
    )


def _scalars(value: Any) -> tuple[Scalar, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, str | int | float | bool) for item in values):
        raise Wrong("compares with something that is no plain value")
    return tuple(values)


def _path(value: Any) -> Place:
    if not isinstance(value, str) or not value or not all(value.split(".")):
        raise Wrong(f"must be a path such as 'error.message', not {value!r}")
    return tuple(value.split("."))


def _paths(value: Any) -> tuple[Place, ...]:
    return tuple(_path(item) for item in (value if isinstance(value, list) else [value]))


def _notes(value: Any) -> tuple[Text, ...]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise Wrong("must be a text with {paths} in it, or a list of such")
    return tuple(_parse(text, _AnyPath()) for text in texts)


class _AnyPath(Collection[str]):
    """In a note, the placeholders are paths of the event."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(name) and all(name.split("."))

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def _parse(text: str, known: Collection[str]) -> Text:
    try:
        return Text.parse(text, known)
    except TemplateFault as fault:
        raise Wrong(str(fault)) from None


def _text_with(*known: str) -> Callable[[Any], Text]:
    return lambda value: _parse(fields.text(value), known)


def _prompt_text(value: Any) -> Text:
    return _parse(fields.text(value), PLACEHOLDERS)


def _inside(value: Any) -> str:
    text = fields.text(value)
    if not text or text.startswith(("/", "~")) or ".." in text.split("/"):
        raise Wrong("must be a path inside the home, such as '.agent/settings.json'")
    return text


def _place(value: Any) -> tuple[Root, str]:
    text = fields.text(value)
    for root in (Root.SCRATCH, Root.WORKTREE):
        if text.startswith(f"{{{root}}}/"):
            return root, _inside(text.partition("/")[2])
    return Root.HOME, _inside(text)


def _shared(value: Any) -> tuple[str, ...]:
    return tuple(map(_inside, fields.argv(value)))


def _codes(value: Any) -> tuple[int, ...]:
    codes = value if isinstance(value, list) else [value]
    if not all(isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= 255 for code in codes):
        raise Wrong("must be an exit status, 0 to 255, or a list of such")
    return tuple(codes)


def _ending(value: Any) -> Ending:
    if isinstance(value, str) and value in ENDINGS:
        return ENDINGS[value]
    raise Wrong(f"'{value}' is no class of ending" + meant(str(value), ENDINGS, say_all=True))
