"""Beads, the files that they claim, and the agents that carry them out."""

from __future__ import annotations

from orchestrator.core.model.names import AgentName, BeadId, RouteName
from orchestrator.core.values import Struct


class Claim(Struct, frozen=True, kw_only=True):
    """A bead's wish for files: a path, a directory or a glob pattern, relative to the repository's root."""

    pattern: str
    shared: bool = False
    """`read:` in the manifest. Two shared claims never conflict."""


class Guess(Struct, frozen=True, kw_only=True):
    """A file that a bead may well touch although its author does not say so."""

    path: str
    """Of a file or a folder, one that is there or one that is to be made."""
    confidence: float
    """From 0 to 1."""
    why: str


class Bead(Struct, frozen=True, kw_only=True):
    """One task of the graph, as its author wrote it. Exactly one of `prompt` and `command` is set."""

    id: BeadId
    title: str
    prompt: str | None = None
    command: str | None = None
    """A shell command that carries the bead out (`run:`)."""
    needs: tuple[BeadId, ...] = ()
    """What must be done before it may start: only beads of the same graph that are to do."""
    priority: int = 2
    """0 (most urgent) to 4."""
    files: tuple[Claim, ...] = ()
    verify: tuple[str, ...] = ()
    routes: tuple[RouteName, ...] = ()
    timeout_s: float = 2700.0
    """Of one attempt, from its start to the agent's end."""
    silence_s: float = 900.0
    """How long an agent may show no sign of life."""
    tries: int = 3
    estimate_s: float | None = None
    hold: str = ""
    """Why a person must release it first; empty: nobody need."""
    labels: tuple[str, ...] = ()


class Skipped(Struct, frozen=True, kw_only=True):
    """Something of the file that is no work now, and why, in a word or a sentence."""

    id: BeadId
    reason: str


class AgentTraits(Struct, frozen=True, kw_only=True):
    """What policy must know of an agent program; the rest of its profile is the shell's."""

    name: AgentName
    provider: str
    """Whose limits it shares: a usage limit parks every route of this provider."""
    resumes: bool = False
    """It can take up a session by its id."""
    continues: bool = False
    """It can go on from half-done work; else each attempt gets a fresh worktree."""
    nudge: str = ""
    """What is typed once into a session that fell silent; empty: nothing can be."""
