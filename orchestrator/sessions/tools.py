"""Programs of this machine by which sessions are confined: where one is, and why one does not do its work."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

_TRIED_S = 10.0


@cache
def found(program: str) -> str:
    """By our own PATH: an agent's may be another."""
    return shutil.which(program) or program


def why_it_fails(argv: Sequence[str]) -> str:
    """Why a command fails; empty: it does not. Tries it."""
    try:
        tried = subprocess.run(argv, capture_output=True, text=True, timeout=_TRIED_S, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return tried.stderr.strip() or f"exit code {tried.returncode}" if tried.returncode else ""
