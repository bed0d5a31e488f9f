"""A session's own wish for more files: from its environment to the run's orchestrator, and the answer back.

Knows who asks by the marks that every process of a session carries. Decides nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.app.orders import Refused
from orchestrator.core import messages as m
from orchestrator.core.model import Claim, Token
from orchestrator.core.values import Struct, replace
from orchestrator.runtime.start_token import VARIABLE, signed

ANSWERED_WITHIN_S = 30.0
"""Beyond what the session wants to wait: a decision takes milliseconds, but its orchestrator may just be starting."""
LOOK_EVERY_S = 0.05


class Reply(Struct, frozen=True, kw_only=True):
    yours: bool
    text: str


def ask_for(
    paths: Sequence[str],
    *,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
    shared: bool = False,
    wait_s: float = 0.0,
    hand_back: bool = False,
    edits: bool = False,
) -> Reply:
    """Raises `Refused` outside a session and for paths outside the worktree, and `StoreFault`."""
    from orchestrator.store import Database

    state, token = _session(environ)
    start_token = environ.get(VARIABLE, "")
    claims = claims_of(paths, cwd or Path.cwd(), shared=shared)
    asked = m.LocksAsked(at=time.time(), token=token, claims=claims, wait_s=wait_s, hand_back=hand_back, edits=edits)
    asked = replace(asked, proof=signed(asked, start_token))
    try:
        database = Database.read(state)
    except FileNotFoundError:
        raise Refused(f"there is no run in {state} (by ORCHESTRATOR_MARK)") from None
    try:
        run = database.run_of(token)
        if run is None:
            raise Refused(f"no attempt has the token {token} (by ORCHESTRATOR_TOKEN)")
        request = Database.ask(state, run, asked)
        until = time.monotonic() + wait_s + ANSWERED_WITHIN_S
        while time.monotonic() < until:
            said = database.answer(request)
            if said is not None:
                return Reply(yours=said[0], text=said[1])
            if database.holder() is None and database.answer(request) is None:
                raise Refused("nobody is at work on the run that this session belongs to")
            time.sleep(LOOK_EVERY_S)
    finally:
        database.close()
    raise Refused("its orchestrator does not answer")


def claims_of(paths: Sequence[str], cwd: Path, *, shared: bool = False) -> tuple[Claim, ...]:
    """As they are seen from a folder in the worktree; `read:` in front of one shares it. Raises `Refused`."""
    root = _root(cwd)
    found = []
    for path in paths:
        pattern = path.removeprefix("read:")
        whole = Path(os.path.normpath(cwd / pattern))
        if not whole.is_relative_to(root):
            raise Refused(f"{pattern} is not in the worktree {root}")
        inner = whole.relative_to(root).as_posix()
        try:
            inner.encode()
        except UnicodeEncodeError:  # a name in another encoding, or half of a character, which JSON can say
            raise Refused(f"{inner!a} is not UTF-8: it cannot be asked for by name, but by a folder or glob") from None
        found.append(Claim(pattern=inner, shared=shared or path.startswith("read:")))
    return tuple(dict.fromkeys(found))


def _root(cwd: Path) -> Path:
    here = Path(os.path.normpath(cwd.absolute()))
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    raise Refused(f"{cwd} is in no worktree")


def _session(environ: Mapping[str, str]) -> tuple[Path, Token]:
    mark, token = environ.get("ORCHESTRATOR_MARK"), environ.get("ORCHESTRATOR_TOKEN", "")
    if not mark or not token.isdigit():
        raise Refused("only an agent's session can ask for files: ORCHESTRATOR_MARK and ORCHESTRATOR_TOKEN are not set")
    return Path(mark), Token(int(token))
