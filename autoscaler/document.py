"""YAML text to plain values that know their lines. Safe for any input, however hostile.

YAML 1.2: only `true` and `false` are booleans, octal is `0o17`, times and dates are texts. Tags
are refused, keys are texts, and what an alias stands for counts as if it were written out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from autoscaler.errors import ConfigError

MAX_BYTES = 1_048_576
MAX_VALUES = 40_000
MAX_DEPTH = 32

Location = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDS: Mapping[str, bool | None] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


@dataclass(slots=True)
class Node:
    """A value with the line (from 1) of its key or list item.

    size: how many values there are in it, itself included. height: how deep they are nested.
    """

    line: int
    value: str | int | float | bool | dict[str, Node] | list[Node] | None
    size: int = 1
    height: int = 0

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def children(self) -> Iterable[Node]:
        """The values right under it."""
        if isinstance(self.value, dict):
            return self.value.values()
        return self.value if isinstance(self.value, list) else ()

    def child(self, part: str | int) -> Node | None:
        """The value at this key or index, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None


@dataclass(frozen=True, slots=True)
class TextFault:
    """Something wrong that reading gets over, such as a key given twice."""

    line: int
    location: Location
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document of a text; its root is a mapping unless it is empty."""

    name: str
    root: Node
    faults: tuple[TextFault, ...] = ()

    @property
    def empty(self) -> bool:
        return self.root.value is None

    def written(self, location: Location, spellings: Mapping[str, str]) -> tuple[Location, int]:
        """The location as the text spells it, and the line of what is nearest to it.

        spellings: what a key may be called instead.
        """
        node: Node | None = self.root
        line, parts = self.root.line, list(location)
        for index, part in enumerate(parts):
            if node is None:
                break
            other = spellings.get(str(part), part)
            if node.child(part) is None and node.child(other) is not None:
                parts[index] = other
            node = node.child(parts[index])
            line = node.line if node else line
        return tuple(parts), line


def compose(text: str, name: str) -> Document:
    """The text as a document. Raises ConfigError, with one fault, when it cannot be read."""
    _check_text(text, name)
    with _syntax_faults(name, text):
        return _Reader(name, yaml.parse(text, Loader=_LOADER)).only_document()


def compose_all(text: str, name: str) -> tuple[Document, ...]:
    """Every document of a text but empty ones. Raises ConfigError as `compose` does."""
    _check_text(text, name)
    with _syntax_faults(name, text):
        reader = _Reader(name, yaml.parse(text, Loader=_LOADER))
        found = tuple(document for document in reader.documents() if not document.empty)
    for document in found:
        if not isinstance(document.root.value, dict):
            message = "each document must be a mapping, with keys such as `kind:`"
            raise ConfigError(yaml_fault(name, document.root.line, message))
    return found


def resolved(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means; a number that no float holds stays a text."""
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def yaml_fault(name: str, line: int, message: str) -> str:
    """A fault of the text as such, in the place of whose path stands `yaml`."""
    return f"{name}:{line}: yaml: {message}"


def _check_text(text: str, name: str) -> None:
    if len(text) > MAX_BYTES:
        raise ConfigError(yaml_fault(name, 1, f"the text is longer than {MAX_BYTES} characters"))
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigError(yaml_fault(name, line, f"unprintable character {found.group()!a}"))


class _Reader:
    """Makes nodes of YAML events in one pass, never deeper than MAX_DEPTH."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self._name = name
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._values = 0
        self._faults: list[TextFault] = []

    def documents(self) -> Iterator[Document]:
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                self._anchors, self._faults = {}, []
                root = self._node(event, _line(event), ())
                yield Document(self._name, root, tuple(self._faults))

    def only_document(self) -> Document:
        document = next(self.documents(), None)
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._error(event, "a second document begins here; write only one")
        if document is None or document.empty:
            raise ConfigError(yaml_fault(self._name, 1, "there is nothing in it; write `fleets:`"))
        if not isinstance(document.root.value, dict):
            message = "the top must be a mapping, with keys such as `fleets:`"
            raise ConfigError(yaml_fault(self._name, document.root.line, message))
        return document

    def _node(self, event: Any, line: int, location: Location) -> Node:
        if isinstance(event, yaml.AliasEvent):
            anchored = self._anchored(event)
            self._count(event, anchored.size)
            self._check_depth(event, len(location) + anchored.height)
            return Node(line, anchored.value, anchored.size, anchored.height)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags such as {tag} are not supported; leave it out"
            self._faults.append(TextFault(_line(event), location, message))
        before = self._values
        self._count(event, 1)
        node = Node(line, self._value(event, location))
        if isinstance(node.value, dict | list):
            node.size = self._values - before
            node.height = 1 + max((child.height for child in node.children()), default=0)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _value(self, event: Any, location: Location) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style or event.tag else resolved(event.value)
        self._check_depth(event, len(location) + 1)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(location)
        return _merged(self._mapping(location))

    def _items(self, location: Location) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, _line(event), (*location, len(found))))
        return found

    def _mapping(self, location: Location) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self._error(key, "a key must be a plain text")
            here = (*location, key.value)
            if key.value in found:
                message = f"given twice, first on line {found[key.value].line}; remove one"
                self._faults.append(TextFault(_line(key), here, message))
            found[key.value] = self._node(next(self._events), _line(key), here)
        return found

    def _anchored(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._error(event, f"*{event.anchor} has no complete &{event.anchor} before it")
        return self._anchors[event.anchor]

    def _count(self, event: Any, size: int) -> None:
        self._values += size
        if self._values > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES} values, with aliases written out")

    def _check_depth(self, event: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels")

    def _error(self, event: Any, message: str) -> ConfigError:
        return ConfigError(yaml_fault(self._name, _line(event), message))


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _merged(mapping: dict[str, Node]) -> dict[str, Node]:
    """The mapping with the keys of what `<<` points to, where it has none of its own."""
    below = mapping.get("<<")
    nodes = below.value if below and isinstance(below.value, list) else [below]
    values = [node.value for node in nodes if node]
    merged = {key: node for key, node in mapping.items() if key != "<<"}
    for value in values:
        if not isinstance(value, dict):
            return mapping
        merged = value | merged
    return merged


_HINTS = {
    "mapping values are not allowed": "put a text with ': ' in it in quotes, or indent it rightly",
    "did not find expected": "look at the indentation, brackets and quotes above",
    "found unexpected end of stream": "a bracket or quote is not closed",
    "found character that cannot start": "put the text in quotes",
}


@contextmanager
def _syntax_faults(name: str, text: str) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax_fault(name, text, error)) from error


def _syntax_fault(name: str, text: str, error: yaml.MarkedYAMLError) -> str:
    mark, problem = error.problem_mark, str(error.problem)
    number = mark.line if mark else 0
    line = [*text.splitlines(), ""][number] if mark else ""
    if line.lstrip(" ").startswith("\t"):
        return yaml_fault(name, number + 1, "a tab cannot indent or separate; use spaces")
    hints = [hint for begin, hint in _HINTS.items() if problem.startswith(begin)]
    return yaml_fault(name, number + 1, "; ".join([problem, *hints]))
