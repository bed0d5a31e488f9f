"""What can be told of an agent program without a session, and without spending anything.

Knows where programs keep their sign-ins, as their profiles say it. Does not know what a model would answer.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.environment import environment
from orchestrator.agents.profile import Profile
from orchestrator.core.values import Struct, replace

VERSION_S = 30.0
"""How long a program may take to say its version."""

_NUMBER = re.compile(r"\d+(?:\.\d+)+(?:[\w.+-]*\w)?")


class Diagnosis(Struct, frozen=True, kw_only=True):
    name: str
    program: Path | None
    """None: it is not there."""
    version: str
    """A word or a sentence; empty: nobody was asked."""
    signed_in: bool | None
    """None: that cannot be told."""
    sign_in: str
    """What speaks for it, or what is missing."""
    command: tuple[str, ...]
    """What would be run. `…` stands for the prompt, and braces for what only a run knows."""
    resumes: bool
    install: str


def diagnose(catalog: Catalog, name: str, environ: Mapping[str, str]) -> Diagnosis:
    """Raises `UnknownAgent` or `ProfileFault`."""
    profile = catalog.profile(name)
    program = catalog.found(name, search=environ.get("PATH", os.defpath))
    signed_in, sign_in = _sign_in(profile, environ)
    argv = profile.command.fill({"prompt": "…", "model": "{model}", "prompt_file": "{prompt_file}"} | _UNKNOWN)
    return Diagnosis(
        name=name,
        program=program,
        version=_version(catalog, profile, environ) if program is not None else "",
        signed_in=signed_in,
        sign_in=sign_in,
        command=argv,
        resumes=profile.traits.resumes,
        install=profile.install,
    )


_UNKNOWN = {name: f"{{{name}}}" for name in ("worktree", "outcome_file", "scratch")}


def _version(catalog: Catalog, profile: Profile, environ: Mapping[str, str]) -> str:
    """The number in what it prints; else why there is none."""
    if not profile.version:
        return ""
    found = catalog.program(profile.version[0], search=environ.get("PATH", os.defpath))
    if found is None:
        return ""
    with tempfile.TemporaryDirectory(prefix="orchestrator-") as folder:
        # Without what the profile sets: some of that makes a program say less.
        env = environment(replace(profile, env=()), environ, home=None, places={}) | {"TERM": "dumb"}
        try:
            done = subprocess.run(
                (str(found), *profile.version[1:]),
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=VERSION_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it did not say its version within {VERSION_S:g} s"
        except OSError as fault:
            return f"it could not be started: {fault}"
    said = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    number = _NUMBER.search(said)
    return number[0] if number else f"it did not say its version (exit {done.returncode})"


def _sign_in(profile: Profile, environ: Mapping[str, str]) -> tuple[bool | None, str]:
    where = profile.sign_in
    if not (where.env or where.files):
        return None, "its profile does not say where that is kept"
    allowed = dict(environment(profile, environ, home=None, places={}))
    for name in where.env:
        if allowed.get(name):
            return True, f"by ${name}"
        if environ.get(name):
            return False, f"${name} is set, but not passed on: name it in `pass_env`"
    home = Path(environ.get("HOME", "/nonexistent"))
    for path in where.files:
        if (home / path).is_file():
            return True, f"by ~/{path}"
    missing = f"no ${', $'.join(where.env)}" + "".join(f", no ~/{path}" for path in where.files)
    return (None, f"cannot be told: {missing}") if where.elsewhere else (False, missing)
