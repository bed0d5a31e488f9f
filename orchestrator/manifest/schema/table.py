"""What all tables have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from orchestrator.manifest.document import Plain

ROUTES = (
    "Who may carry out a bead, as 'agent:model' or 'agent', in order of preference. The model may have colons "
    "and slashes in it."
)


FILES = (
    "The files that the work will touch, relative to the repository's root: paths, directories or globs ('**' is "
    "any number of directories). Beads that may touch the same files never run at the same time. With 'read:' in "
    "front, files that it only relies on: beads may share those."
)


class Table(BaseModel):
    """A mapping with known keys. A key without a value counts as left out.

    A table within another has `model_construct` for its default: called, it would be described to pydantic by itself
    as well, at each start of a run, for a table of which the file says nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    noun: ClassVar[str] = "a table"

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if not says_nothing(key, item)}


def says_nothing(key: str, item: Any) -> bool:
    """Whether a key is as good as left out."""
    # `id: null` is more likely a bead called null than a bead without an id.
    return item is None or (isinstance(item, Plain) and item.value is None and key != "id")
