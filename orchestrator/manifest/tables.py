"""A mapping of a document to its model, with every error said in plain words at its place.

Knows pydantic's errors so that nobody else need. Does not know what the tables mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.manifest.document import Document, KeyPath
from orchestrator.manifest.faults import Fault, Unfit, nearest
from orchestrator.manifest.fields import said
from orchestrator.manifest.schema import Table

T = TypeVar("T", bound=Table)


def read_table(
    model: type[T],
    value: Mapping[str, Any],
    document: Document,
    path: KeyPath = (),
    *,
    stand_in: Mapping[str, Any],
) -> tuple[T, list[Fault]]:
    """The table at `path`, and its faults.

    What is at fault is left out of the table, so that the rest can be looked at as well; `stand_in` has what no
    table can be without.
    """
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    faults = [_fault(details, model, document, path) for details in errors]
    rest: dict[str, Any] = dict(value)
    for details in errors:
        rest = _without(rest, details["loc"])
    missing = {key: item for key, item in stand_in.items() if key not in rest}
    return model.model_validate(rest | missing), faults


def _without(mapping: Mapping[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """The mapping without what the path leads to; of a list that it leads into, without the whole list."""
    key, *inner = path
    rest = dict(mapping)
    item = rest.pop(str(key), None)
    return (
        {**rest, str(key): _without(item, tuple(inner))}
        if inner and isinstance(item, dict) and inner[0] in item
        else rest
    )


def _fault(details: ErrorDetails, model: type[Table], document: Document, path: KeyPath) -> Fault:
    of_key = details["loc"][-1:] == ("[key]",)
    inner = details["loc"][:-1] if of_key else details["loc"]
    full = (*path, *inner)
    name = next((str(step) for step in reversed(inner) if isinstance(step, str)), "")
    if details["type"] == "extra_forbidden":
        table = _table_at(model, inner[:-1])
        known = list(table.model_fields)
        return document.fault(
            document.at_key(full),
            f"unknown key '{name}' in {table.noun}",
            expected="one of " + ", ".join(known),
            hint=nearest(name, known),
        )
    if details["type"] == "missing":
        return document.fault(document.at(full), f"{_table_at(model, inner[:-1]).noun} without '{name}'")
    where = document.at_key(full) if of_key else document.at(full)
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Unfit):
        message = cause.message if of_key else f"{name}: {cause.message}"
        return document.fault(where, message, expected=cause.expected, hint=cause.hint)
    expected = {"model_type": "a mapping", "dict_type": "a mapping", "tuple_type": "a list"}.get(details["type"])
    if expected is None:
        raise AssertionError(f"an error of pydantic that nothing here words: {details['type']}")
    return document.fault(where, f"{name}: {said(details['input'])} does not fit", expected=expected)


def _table_at(model: type[Table], steps: tuple[str | int, ...]) -> type[Table]:
    walk = iter(steps)
    for step in walk:
        annotation = model.model_fields[str(step)].annotation
        if get_origin(annotation) is dict:  # of tables, each under a key that its author chose
            next(walk, None)
            annotation = get_args(annotation)[1]
        assert isinstance(annotation, type)
        assert issubclass(annotation, Table)
        model = annotation
    return model
