"""The kinds of value that a manifest's keys take, as pydantic types.

Knows how a scalar of any format becomes text, a number, a duration or a list. Does not know the keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema

from orchestrator.core.commit_message import PLACEHOLDERS
from orchestrator.core.model import AUTO, Claim, Collisions, Per, Predict, PushWhen, RouteName, Style, Unasked
from orchestrator.core.pull_request_commands import KNOWN as HOSTS
from orchestrator.core.pull_request_commands import PLACEHOLDERS as OF_PULL_REQUESTS
from orchestrator.core.template import TemplateFault
from orchestrator.core.template import Text as Template
from orchestrator.manifest import names, patterns, quantities
from orchestrator.manifest.document import Plain, bare
from orchestrator.manifest.faults import Unfit, nearest
from orchestrator.manifest.hours import HOURS, Hours, parse_hours

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""No argument of a program may have a NUL; half of a surrogate pair, which JSON can say, cannot be encoded."""
_GRAVITIES = ("info", "warning", "error")
_PREDICT = tuple(word.value for word in Predict)
_COLLISIONS = tuple(word.value for word in Collisions)
_UNASKED = tuple(word.value for word in Unasked)
_STYLES = tuple(word.value for word in Style)
_PUSHES = tuple(word.value for word in PushWhen)
_MODES = ("land", "pull-request")
_PERS = tuple(word.value for word in Per)
_HOSTS = tuple(HOSTS)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


def said(value: Any) -> str:
    """What kind of thing this is, for messages."""
    if value is None:
        return "an empty value"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"'{patterns.printable(source(value))}'"


def source(value: Any) -> str:
    """The text of a scalar as it stands in the file."""
    if isinstance(value, Plain):
        return value.text
    if isinstance(value, bool):  # JSON's, which keeps no source text
        return "true" if value else "false"
    return str(value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | Plain | bool)


def as_text(value: Any) -> str:
    if not _is_scalar(value):
        raise Unfit(f"{said(value)} does not fit", expected="text")
    text = source(value)
    if not text.strip():
        raise Unfit("it is empty", expected="text")
    if found := _UNWRITABLE.search(text):
        raise Unfit(f"the character {found.group()!a} cannot be passed on")
    return text


def _as_list(value: Any) -> Any:
    return [value] if _is_scalar(value) else value


def _as_pattern(value: Any) -> Claim:
    if isinstance(value, dict) and len(value) == 1:
        raise Unfit("a mapping does not fit", expected="no space after 'read:', as in 'read:docs/**'")
    return patterns.claim(as_text(value))


def _number_text(value: Any, expected: str) -> str:
    """The text of an unquoted number. A quoted one is text, and a truth value is none."""
    if isinstance(value, Plain) and isinstance(value.value, int | float) and not isinstance(value.value, bool):
        return value.text
    raise Unfit(f"{said(value)} does not fit", expected=expected)


def _as_count(value: Any, least: int = 1) -> int:
    expected = f"a whole number, {least} or more"
    text = _number_text(value, expected)
    if not _WHOLE.fullmatch(text) or int(text) < least:
        raise Unfit(f"'{text}' does not fit", expected=expected)
    return int(text)


def _as_whole(value: Any) -> int:
    return _as_count(value, least=0)


def _as_workers(value: Any) -> int | str:
    if isinstance(value, str) and value == AUTO:
        return AUTO
    try:
        return _as_count(value)
    except Unfit as unfit:
        raise Unfit(unfit.message, expected=f"{unfit.expected}, or {AUTO}") from unfit


def _as_quantity(parse: Callable[[str], float], expected: str, *, zero: bool) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        if not _is_scalar(value):
            raise Unfit(f"{said(value)} does not fit", expected=expected)
        quantity = parse(source(value))
        if not math.isfinite(quantity):
            raise Unfit(f"{said(value)} is too much", expected=expected)
        if quantity == 0 and not zero:
            raise Unfit("it must be more than zero", expected=expected)
        return quantity

    return convert


def _as_priority(value: Any) -> int:
    if not _is_scalar(value):
        raise Unfit(f"{said(value)} does not fit", expected=quantities.PRIORITY)
    return quantities.parse_priority(source(value))


def _as_hold(value: Any) -> str:
    if isinstance(value, Plain) and isinstance(value.value, bool):
        value = value.value
    if isinstance(value, bool):
        return "held in the manifest" if value else ""
    return as_text(value)


def _as_share(value: Any) -> float:
    text = source(value) if _is_scalar(value) else ""
    share = quantities.parse_share(text) if text else None
    if share is None:
        raise Unfit(f"{said(value)} does not fit", expected=quantities.SHARE)
    return share


def _as_hours(value: Any) -> Any:
    items = _as_list(value)
    if not isinstance(items, list):
        raise Unfit(f"{said(value)} does not fit", expected=HOURS)
    return tuple(parse_hours(as_text(item)) for item in items)


def _as_version(value: Any) -> int:
    if source(value) != "1":
        raise Unfit(f"{said(value)} is not a version that this program reads", expected="1")
    return 1


def _as_flag(value: Any) -> bool:
    plain = value.value if isinstance(value, Plain) else value
    if not isinstance(plain, bool):
        raise Unfit(f"{said(value)} does not fit", expected="true or false")
    return plain


def _as_word_of(*words: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        text = as_text(value)
        if text not in words:
            raise Unfit(f"'{text}' does not fit", expected=" or ".join(words), hint=nearest(text, words))
        return text

    return convert


def _as_template(*known: str) -> Callable[[Any], str]:
    """A text with placeholders."""

    def convert(value: Any) -> str:
        text = as_text(value)
        try:
            Template.parse(text, known)
        except TemplateFault as fault:
            raise Unfit(str(fault)) from fault
        return text

    return convert


def _as_place(value: Any) -> str | dict[str, str]:
    """Where a message goes: an address, or a command."""
    if isinstance(value, dict):
        if list(value) != ["command"]:
            raise Unfit("a mapping does not fit", expected="{command: ...}")
        return {"command": as_text(value["command"])}
    return as_text(value)


def _as_places(value: Any) -> tuple[str | dict[str, str], ...]:
    each = value if isinstance(value, list) else [value]
    return tuple(_as_place(place) for place in each)


def _as_override(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(f"{said(value)} does not fit", expected="a mapping such as {command: [...]}")
    return dict(bare(value))


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


_TEXT_SCHEMA = {"type": "string", "minLength": 1}
_LIST_SCHEMA = {"anyOf": [_TEXT_SCHEMA, {"type": "array", "items": _TEXT_SCHEMA}]}
_DURATION_SCHEMA = {"type": ["string", "number"], "examples": ["45m", "1h30m", 90]}
_MONEY_SCHEMA = {"type": ["string", "number"], "examples": [50, "$2.50"]}

Text = Annotated[str, BeforeValidator(as_text), _schema(**_TEXT_SCHEMA)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list), _schema(**_LIST_SCHEMA)]
Id = Annotated[Text, AfterValidator(names.check_id), _schema(**_TEXT_SCHEMA, maxLength=names.MAX_ID)]
OnQuestion = Annotated[
    Text, AfterValidator(names.check_on_question), _schema(type="string", pattern="^(hold|fail|answer:.+)$")
]
Branch = Annotated[Text, AfterValidator(names.check_branch), _schema(**_TEXT_SCHEMA)]
Revision = Annotated[Text, AfterValidator(names.check_revision), _schema(**_TEXT_SCHEMA)]
Folder = Annotated[Text, AfterValidator(names.check_folder)]
AgentKey = Annotated[Text, AfterValidator(names.check_agent)]
_Route = Annotated[RouteName, BeforeValidator(as_text), AfterValidator(names.check_route)]
Routes = Annotated[tuple[_Route, ...], BeforeValidator(_as_list), _schema(**_LIST_SCHEMA)]
_Pattern = Annotated[Claim, PlainValidator(_as_pattern)]
Patterns = Annotated[tuple[_Pattern, ...], BeforeValidator(_as_list), _schema(**_LIST_SCHEMA)]
Whole = Annotated[int, BeforeValidator(_as_whole), _schema(type="integer", minimum=0)]
Count = Annotated[int, BeforeValidator(_as_count), _schema(type="integer", minimum=1)]
Workers = Annotated[
    int | str,
    BeforeValidator(_as_workers),
    _schema(anyOf=[{"type": "integer", "minimum": 1}, {"const": AUTO}]),
]
Duration = Annotated[
    float,
    BeforeValidator(_as_quantity(quantities.parse_duration, quantities.DURATION, zero=False)),
    _schema(**_DURATION_SCHEMA),
]
Pause = Annotated[
    float,
    BeforeValidator(_as_quantity(quantities.parse_duration, quantities.DURATION, zero=True)),
    _schema(**_DURATION_SCHEMA),
]
"""A duration that may be zero."""
Size = Annotated[
    float,
    BeforeValidator(_as_quantity(quantities.parse_size, quantities.SIZE, zero=True)),
    _schema(type=["string", "number"], examples=["2GiB", "500MB", 0]),
]
Money = Annotated[
    float,
    BeforeValidator(_as_quantity(quantities.parse_money, quantities.MONEY, zero=True)),
    _schema(**_MONEY_SCHEMA),
]
Priority = Annotated[
    int,
    BeforeValidator(_as_priority),
    _schema(enum=[0, 1, 2, 3, 4, "P0", "P1", "P2", "P3", "P4"]),
]
Share = Annotated[float, BeforeValidator(_as_share), _schema(type=["string", "number"], examples=["50%", 0.5])]
HoursList = Annotated[tuple[Hours, ...], PlainValidator(_as_hours), _schema(**_LIST_SCHEMA)]
PoolKey = Annotated[Text, AfterValidator(names.check_pool)]
Hold = Annotated[str, BeforeValidator(_as_hold), _schema(type=["string", "boolean"])]
Flag = Annotated[bool, BeforeValidator(_as_flag), _schema(type="boolean")]
OfPredict = Annotated[Predict, BeforeValidator(_as_word_of(*_PREDICT)), _schema(enum=[*_PREDICT])]
OfCollisions = Annotated[Collisions, BeforeValidator(_as_word_of(*_COLLISIONS)), _schema(enum=[*_COLLISIONS])]
OfUnasked = Annotated[Unasked, BeforeValidator(_as_word_of(*_UNASKED)), _schema(enum=[*_UNASKED])]
OfStyle = Annotated[Style, BeforeValidator(_as_word_of(*_STYLES)), _schema(enum=[*_STYLES])]
OfPushWhen = Annotated[PushWhen, BeforeValidator(_as_word_of(*_PUSHES)), _schema(enum=[*_PUSHES])]
Remote = Annotated[Text, AfterValidator(names.check_remote), _schema(**_TEXT_SCHEMA)]
Message = Annotated[str, BeforeValidator(_as_template(*PLACEHOLDERS)), _schema(**_TEXT_SCHEMA)]
OfMode = Annotated[str, BeforeValidator(_as_word_of(*_MODES)), _schema(enum=[*_MODES])]
OfPer = Annotated[Per, BeforeValidator(_as_word_of(*_PERS)), _schema(enum=[*_PERS])]
OfHost = Annotated[str, BeforeValidator(_as_word_of(*_HOSTS)), _schema(enum=[*_HOSTS])]
PullRequestCommand = Annotated[str, BeforeValidator(_as_template(*OF_PULL_REQUESTS)), _schema(**_TEXT_SCHEMA)]
Gravity = Annotated[str, BeforeValidator(_as_word_of(*_GRAVITIES)), _schema(enum=[*_GRAVITIES])]
_PLACE_SCHEMA = {
    "anyOf": [_TEXT_SCHEMA, {"type": "object", "properties": {"command": _TEXT_SCHEMA}, "required": ["command"]}]
}
Places = Annotated[
    tuple[Any, ...],
    BeforeValidator(_as_places),
    _schema(anyOf=[*_PLACE_SCHEMA["anyOf"], {"type": "array", "items": _PLACE_SCHEMA}]),
]
Version = Annotated[int, BeforeValidator(_as_version), _schema(const=1)]
Override = Annotated[dict[str, Any], BeforeValidator(_as_override), _schema(type="object")]
