"""Starts and readings of the agent programs of one run: the `Agents` that the sessions are given.

Knows how a session begins: its argv, its environment, its prompt and outcome files. Does not start anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path

from orchestrator.agents.amounts import NOTHING
from orchestrator.agents.catalog import Catalog
from orchestrator.agents.environment import environment
from orchestrator.agents.prices import priced
from orchestrator.agents.profile import Home, Profile, Root, Started
from orchestrator.agents.reading import OutputReader
from orchestrator.core.messages import OpenSession
from orchestrator.core.model import RouteName
from orchestrator.runtime.confinement import Limits
from orchestrator.runtime.ports import AgentMissing, EventFile, Launch, Reader

MAX_ARGUMENT = 100 * 1024
"""Bytes. Linux takes 128 KiB in one argument, its end included."""

PROMPT_FILE = "prompt.md"
OUTCOME_FILE = "outcome.json"


class ProgramAgents:
    """Implements `Agents`. `environ` is the person's environment: little of it reaches an agent."""

    def __init__(self, catalog: Catalog, run: str, environ: Mapping[str, str]) -> None:
        self._catalog = catalog
        self._run = run
        self._environ = dict(environ)

    def launch(self, order: OpenSession, *, worktree: Path, scratch: Path) -> Launch:
        agent, model = agent_and_model(order.route)
        profile = self._catalog.profile(agent)
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        (scratch / OUTCOME_FILE).unlink(missing_ok=True)
        prompt = order.prompt.replace("\0", "").encode("utf-8", "replace").decode()  # no argument can hold the rest
        _write_private(scratch / PROMPT_FILE, prompt)
        home = scratch / "home" if profile.home_kind is Home.OWN else None
        if home is not None:
            home.mkdir(exist_ok=True, mode=0o700)
            _share(profile, Path(self._environ.get("HOME", "/nonexistent")), home)
        values = {
            "prompt": prompt,
            "prompt_file": str(scratch / PROMPT_FILE),
            "model": model,
            "session": order.resume,
            "worktree": str(worktree),
            "outcome_file": str(scratch / OUTCOME_FILE),
            "scratch": str(scratch),
            "python": sys.executable,
            "home": str(home or self._environ.get("HOME", "/nonexistent")),
        }
        env = environment(profile, self._environ, home=home, places={"scratch": scratch, "worktree": worktree}) | {
            "ORCHESTRATOR_RUN": self._run,
            "ORCHESTRATOR_BEAD": order.bead,
            "ORCHESTRATOR_ATTEMPT": str(order.number),
            "ORCHESTRATOR_WORKER": order.worker,
            "ORCHESTRATOR_MODEL": model or "",
            "ORCHESTRATOR_PROMPT_FILE": str(scratch / PROMPT_FILE),
            "ORCHESTRATOR_OUTCOME": str(scratch / OUTCOME_FILE),
        }
        roots = {Root.HOME: home, Root.SCRATCH: scratch, Root.WORKTREE: worktree}
        argv, confined = _argv(profile, values), profile.sandbox
        program = self._program(profile, argv[0], search=env.get("PATH", os.defpath), worktree=worktree)
        return Launch(
            argv=(str(program), *argv[1:]),
            env=env,
            cwd=worktree,
            files={
                root / file.path: file.content.fill(values)
                for file in profile.files
                if (root := roots[file.root]) is not None
            },
            paste=prompt if profile.typed else None,
            screen=profile.screen,
            event_files=tuple(
                EventFile(
                    path=source.path.fill({name: escape(value or "") for name, value in values.items()}),
                    mine={path: text.fill(values) for path, text in source.mine},
                )
                for source in profile.event_files
            ),
            leave=profile.leave,
            ignores_term=profile.quirks.ignores_term,
            sandbox=confined.sandbox(self._environ, scratch, *self._shared(profile)) if confined else None,
            limits=confined.limits if confined else Limits(),
        )

    def _shared(self, profile: Profile) -> Iterator[Path]:
        """What of the person's home the program writes also where it cannot write the rest: its sign-in is renewed."""
        theirs = Path(self._environ.get("HOME", "/nonexistent"))
        return (theirs / path for path in profile.share if (theirs / path).exists())

    def reader(self, order: OpenSession, *, scratch: Path) -> Reader:
        agent, model = agent_and_model(order.route)
        profile = self._catalog.profile(agent)
        return OutputReader(
            profile,
            scratch / OUTCOME_FILE,
            before=order.used if order.resume and profile.quirks.usage_spans_resume else NOTHING,
            price=lambda usage: priced(usage, profile.provider, model),
            session=order.resume if profile.event_files else None,
        )

    def starts_at_spawn(self, route: RouteName) -> bool:
        return self._catalog.profile(agent_and_model(route)[0]).started is Started.SPAWN

    def _program(self, profile: Profile, program: str, *, search: str, worktree: Path) -> Path:
        found = self._catalog.program(program, search=search, worktree=worktree)
        if found is not None:
            return found
        places = self._catalog.candidates(program, search=search, worktree=worktree)
        there = [place for place in places if place.exists()]
        if there:
            said = f"{there[0]} is a directory" if there[0].is_dir() else f"{there[0]} is not executable (chmod +x)"
        elif "/" in program:
            said = "there is no " + " and no ".join(map(str, places))
        else:
            said = f"there is no '{program}' on the PATH ({search})"
        hint = f"; to install it: {profile.install}" if profile.install else ""
        raise AgentMissing(f"agent '{profile.name}': {said}{hint}")


def agent_and_model(route: RouteName) -> tuple[str, str | None]:
    """`claude:opus` is claude with opus; `claude` is claude with whatever model it takes by itself."""
    agent, _, model = route.partition(":")
    return agent, model or None


def _argv(profile: Profile, values: dict[str, str | None]) -> tuple[str, ...]:
    template = profile.resume if values["session"] and profile.resume is not None else profile.command
    prompt = values["prompt"] or ""
    if profile.quirks.dash_is_option and prompt.startswith("-"):
        values = values | {"prompt": " " + prompt}
    argv = template.fill(values)
    if all(len(argument.encode()) <= MAX_ARGUMENT for argument in argv):
        return argv
    return template.fill(values | {"prompt": profile.long_prompt.fill(values | {"prompt": None})})


def _share(profile: Profile, theirs: Path, own: Path) -> None:
    """Links to what of the person's home is needed in one of its own, as far as it is there."""
    for path in profile.share:
        if (theirs / path).exists():
            (own / path).parent.mkdir(parents=True, exist_ok=True)
            (own / path).unlink(missing_ok=True)
            (own / path).symlink_to(theirs / path)


def _write_private(path: Path, text: str) -> None:
    """Nobody but the person may read it: prompts hold what their authors would not show around."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
