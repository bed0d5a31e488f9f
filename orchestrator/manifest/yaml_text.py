"""YAML text to a document.

Knows YAML: anchors, merge keys, tags, duplicate keys. Resolves no scalar for good: what YAML would make a number,
a date or a truth value stays beside its source text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from orchestrator.manifest.document import Document, KeyPath, Plain, Position
from orchestrator.manifest.faults import Fault, ManifestFaults

MAX_NODES = 1_000_000
"""Aliases of aliases multiply: nine lines can stand for a billion values."""

MAX_DEPTH = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {_TAG + "str", _TAG + "value", _TAG + "merge"}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_RESOLVED = {
    _TAG + "null": None,
    _TAG + "bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
    _TAG + "int": yaml.constructor.SafeConstructor.construct_yaml_int,
    _TAG + "float": yaml.constructor.SafeConstructor.construct_yaml_float,
    _TAG + "timestamp": yaml.constructor.SafeConstructor.construct_yaml_timestamp,
}


def parse_yaml(text: str, *, file: str) -> Document:
    """Raises ManifestFaults on a syntax error."""
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise _refusal(file, Position(line, column), f"the character {found.group()!a} may not stand in YAML")
    node = _compose(text, file)
    reader = _Reader(file)
    value = None if node is None else reader.value(node, ())
    return Document(file=file, value=value, values=reader.values, keys=reader.keys, faults=tuple(reader.faults))


def _compose(text: str, file: str) -> yaml.Node | None:
    node, error = _try(_LOADER, text)
    if error is None:
        return node
    # The slow parser is asked again because it says more plainly what is wrong, and the same on every machine.
    error = _try(yaml.SafeLoader, text)[1] or error
    if isinstance(error, RecursionError):
        raise _refusal(file, Position(1, 1), "nested too deeply")
    mark = error.problem_mark or error.context_mark
    where = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    said = ", ".join(part for part in (error.context, error.problem) if part)
    raise _refusal(file, where, f"not valid YAML: {said}")


def _try(loader: Any, text: str) -> tuple[yaml.Node | None, yaml.MarkedYAMLError | RecursionError | None]:
    try:
        return yaml.compose(text, Loader=loader), None
    except (yaml.MarkedYAMLError, RecursionError) as error:
        return None, error


def _refusal(file: str, where: Position, message: str) -> ManifestFaults:
    return ManifestFaults([Fault(file=file, line=where.line, column=where.column, message=message)])


def _place(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


class _Reader:
    """Walks the nodes once and notes the place of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self.faults: list[Fault] = []
        self._open: set[int] = set()
        """The nodes that we are inside of."""
        self._constructor = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.values[path] = _place(node)
        if len(self.values) > MAX_NODES:
            raise _refusal(self.file, _place(node), f"its aliases stand for more than {MAX_NODES:,} values")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise _refusal(self.file, _place(node), "an alias inside of what it stands for")
        if len(self._open) >= MAX_DEPTH:
            raise _refusal(self.file, _place(node), "nested too deeply")
        self._open.add(id(node))
        value = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        self._open.remove(id(node))
        return value

    def _scalar(self, node: yaml.ScalarNode) -> str | Plain | None:
        text = str(node.value)
        if node.tag in _TEXT_TAGS:
            return text
        if node.tag not in _RESOLVED:
            self._fault(node, f"unknown tag '{node.tag.replace(_TAG, '!!')}'")
            return text
        construct = _RESOLVED[node.tag]
        if construct is None:
            return Plain(text=text, value=None) if text else None
        try:
            return Plain(text=text, value=construct(self._constructor, node))
        except (ValueError, KeyError, AttributeError):
            # It looks like a number or a date and is none (2024-13-45), or an explicit tag claims so.
            return text

    def _sequence(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, item in self._entries(node):
            self.keys[(*path, key.value)] = _place(key)
            mapping[key.value] = self.value(item, (*path, key.value))
        return mapping

    def _entries(self, node: yaml.MappingNode) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """The entries of a mapping, its merge keys followed. What it says itself wins, then the first merged."""
        own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a key must be text")
            elif key.tag == _TAG + "merge":
                merged += item.value if isinstance(item, yaml.SequenceNode) else [item]
            elif key.value in own:
                first = _place(own[key.value][0]).line
                self._fault(key, f"duplicate key '{key.value}': first given on line {first}")
            else:
                own[key.value] = (key, item)
        for source in merged:
            if not isinstance(source, yaml.MappingNode):
                self._fault(source, "'<<' takes a mapping or a list of mappings")
                continue
            if id(source) in self._open:
                raise _refusal(self.file, _place(source), "a merge of a mapping into itself")
            self._open.add(id(source))
            for key, item in self._entries(source):
                own.setdefault(key.value, (key, item))
            self._open.remove(id(source))
        return list(own.values())

    def _fault(self, node: yaml.Node, message: str) -> None:
        where = _place(node)
        self.faults.append(Fault(file=self.file, line=where.line, column=where.column, message=message))
