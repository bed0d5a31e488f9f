"""A manifest as a whole, and its JSON schema."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from orchestrator.manifest.fields import Id, Version
from orchestrator.manifest.schema.beads import BeadTable
from orchestrator.manifest.schema.settings import SettingsTable


class ManifestTable(SettingsTable):
    """The top level of a manifest, its beads apart: those are read one by one."""

    noun: ClassVar[str] = "a manifest"

    version: Version = Field(default=1, description="The version of this format.")
    name: Id | None = Field(
        default=None,
        description="The run's name; safe like a bead's id. Default: the file's name without its suffix.",
    )
    beads: Any = Field(
        default=None, description="The tasks; or the path of a beads issues.jsonl, relative to this file."
    )


class DocumentedManifest(ManifestTable):
    """A task graph for coding agents, and how it is carried out."""

    model_config = ConfigDict(title="orchestrator manifest")

    beads: list[BeadTable] | str = Field(
        description="The tasks; or the path of a beads issues.jsonl, relative to this file."
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest."""
    schema = DocumentedManifest.model_json_schema()
    bead = schema["$defs"]["BeadTable"]
    bead["oneOf"] = [{"required": ["prompt"]}, {"required": ["run"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
