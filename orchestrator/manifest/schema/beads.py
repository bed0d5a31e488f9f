"""A bead, and what holds for all of them unless one says otherwise."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from orchestrator.manifest.fields import Count, Duration, Hold, Id, Patterns, Priority, Routes, Text, Texts
from orchestrator.manifest.schema.table import FILES, ROUTES, Table


class DefaultsTable(Table):
    """What a bead has that does not say otherwise."""

    noun: ClassVar[str] = "'defaults'"

    timeout: Duration | None = Field(default=None, description="See the same key of a bead. Default 45m.")
    silence: Duration | None = Field(default=None, description="See the same key of a bead. Default 15m.")
    tries: Count | None = Field(default=None, description="See the same key of a bead. Default 3.")
    priority: Priority | None = Field(default=None, description="See the same key of a bead. Default P2.")
    routes: Routes | None = Field(
        default=None, description="See the same key of a bead. Default: the top level's 'routes'."
    )
    verify: Texts | None = Field(default=None, description="See the same key of a bead. Default: no checks of its own.")
    files: Patterns | None = Field(default=None, description="See the same key of a bead. Default: none.")


class BeadTable(Table):
    """One task. It has exactly one of 'prompt' and 'run'."""

    noun: ClassVar[str] = "a bead"

    id: Id = Field(
        description="Its name, unique in the manifest. It becomes part of a branch and of file names: letters, "
        "digits, '.', '_' and '-', at most 100 characters."
    )
    title: Text | None = Field(default=None, description="One line. Default: the first line of the prompt, or the id.")
    prompt: Text | None = Field(default=None, description="What the agent is asked to do.")
    run: Text | None = Field(
        default=None,
        description="A shell command that carries the bead out instead of an agent: codemods, generators.",
    )
    needs: Texts | None = Field(
        default=None, description="The ids of the beads that must have landed before this one starts."
    )
    priority: Priority | None = Field(default=None, description="P0 (most urgent) to P4, or 0 to 4.")
    files: Patterns | None = Field(default=None, description=FILES)
    verify: Texts | None = Field(
        default=None, description="Commands that must succeed in the bead's own worktree before it may land."
    )
    routes: Routes | None = Field(default=None, description=ROUTES)
    timeout: Duration | None = Field(default=None, description="How long one attempt may take: 90s, 45m, 1h30m.")
    silence: Duration | None = Field(default=None, description="How long its agent may show no sign of life.")
    tries: Count | None = Field(default=None, description="How many failed attempts are its end.")
    estimate: Duration | None = Field(default=None, description="How long its author thinks that it takes.")
    labels: Texts | None = Field(default=None, description="Words of your own; shown, and never acted on.")
    hold: Hold | None = Field(
        default=None,
        description="A reason why a person must release it before it may start; 'true' without a reason.",
    )
