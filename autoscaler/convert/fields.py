"""A mapping of the input, read key by key; whatever is wrong with it is kept with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.document import Node
from autoscaler.errors import ConfigError
from autoscaler.quantity import parse_quantity

MAX_FAULTS = 100
SHOWN = 80
LONGEST_QUEUE = 255
LEAST = 0.001


class Faults:
    """What is wrong with the input so far, as `file:line: path: message`."""

    def __init__(self) -> None:
        self._found: list[tuple[str, int, str]] = []

    def add(self, file: str, line: int, path: str, message: str) -> None:
        """Keep one fault."""
        text = f"{file}:{line}: {path or 'document'}: {message}"
        shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
        self._found.append((file, line, shown))

    def add_all(self, error: ConfigError, file: str) -> None:
        """Keep the faults of a text that could not even be parsed."""
        self._found.extend((file, 0, fault) for fault in error.faults)

    def raise_any(self) -> None:
        """Raise ConfigError with every fault, in order, if there is one."""
        lines = list(dict.fromkeys(text for _, _, text in sorted(self._found, key=_place)))
        if len(lines) > MAX_FAULTS:
            lines[MAX_FAULTS:] = [f"and more than these {MAX_FAULTS}"]
        if lines:
            raise ConfigError(*lines)


def _place(fault: tuple[str, int, str]) -> tuple[str, int]:
    return fault[:2]


class Fields:
    """One mapping. A key that is read is known; `close` refuses the others."""

    def __init__(self, node: Node, file: str, path: str, faults: Faults) -> None:
        self.node = node
        self.file = file
        self.path = path
        self._faults = faults
        self._read: set[str] = set()
        self._mappings: dict[str, Fields] = {}
        if node.value is not None and not isinstance(node.value, dict):
            self.fault("", f"must be a mapping, not {shown(node)}")

    @property
    def line(self) -> int:
        return self.node.line

    def __contains__(self, key: str) -> bool:
        node = self._child(key)
        return node is not None and node.value is not None

    def place(self, key: str) -> str:
        """The path of a key, such as `spec.triggers[0].type`."""
        return ".".join(filter(None, (self.path, key)))

    def fault(self, key: str, message: str) -> None:
        """Keep a fault of this key; with '' of the mapping itself."""
        node = self._child(key) if key else None
        self._faults.add(self.file, (node or self.node).line, self.place(key), message)

    def text(self, key: str, default: str = "") -> str:
        """A text. Numbers and booleans count as they are written in most manifests: unquoted."""
        node = self._get(key)
        if node is None or node.value is None:
            return default
        if isinstance(node.value, dict | list):
            self.fault(key, f"must be a text, not {shown(node)}")
            return default
        return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)

    def required(self, key: str, example: str) -> str:
        """A text that must be there."""
        found = self.text(key)
        if not found.strip():
            self.fault(key, f"is missing; write it, such as {example}")
        return found

    def whole(self, key: str, default: int | None, least: int, most: int) -> int | None:
        """A whole number, also when it is written as a text."""
        text = self.text(key)
        if not text:
            return default
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            self.fault(key, f"must be a whole number from {least} to {most}, not {text[:SHOWN]!r}")
            return default
        return number

    def quantity(self, key: str, default: float | None = None) -> float | None:
        """A Kubernetes quantity such as 500m, 1.5 or 2Gi, or None when there is none."""
        text = self.text(key)
        if not text:
            return default
        try:
            return parse_quantity(text)
        except ValueError as error:
            self.fault(key, str(error))
            return default

    def positive(self, key: str, default: float | None = None) -> float | None:
        """A quantity that something can be divided by."""
        number = self.quantity(key, default)
        if number is not None and number < LEAST:
            self.fault(key, f"must be at least {LEAST}, not {self.text(key)[:SHOWN]}")
            return default
        return number

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        found = self.text(key, default)
        if found not in choices:
            self.fault(key, f"must be {' or '.join(choices)}, not {found[:SHOWN]!r}")
            return default
        return found

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false, also when it is written as a text."""
        return self.choice(key, ("true", "false"), str(default).lower()) == "true"

    def mapping(self, key: str) -> Fields:
        """The mapping under a key, the same each time; an empty one when there is none."""
        if key not in self._mappings:
            node = self._get(key) or Node(self.line, None)
            self._mappings[key] = Fields(node, self.file, self.place(key), self._faults)
        return self._mappings[key]

    def items(self, key: str) -> list[Fields]:
        """The mappings of a list."""
        node = self._get(key)
        if node is None or node.value is None:
            return []
        if not isinstance(node.value, list):
            self.fault(key, f"must be a list, not {shown(node)}")
            return []
        path = self.place(key)
        return [
            Fields(item, self.file, f"{path}[{index}]", self._faults)
            for index, item in enumerate(node.value)
        ]

    def words(self, key: str) -> list[str]:
        """A list of texts."""
        node = self._get(key)
        values = node.value if node is not None and isinstance(node.value, list) else []
        return [str(item.value) for item in values]

    def texts(self) -> dict[str, str]:
        """Every key with its text, all of them read."""
        return {key: self.text(key) for key in self._keys()}

    def unread(self) -> Iterator[str]:
        """The keys that nobody has read."""
        return (key for key in self._keys() if key not in self._read)

    def ignore(self, *keys: str) -> None:
        """These mean nothing for a fleet."""
        self._read.update(keys)

    def close(self) -> None:
        """Refuse the keys that nobody has read: they are misspelt, or newer than this program."""
        for key in self.unread():
            message = "is not a field of this kind that is known here"
            self.fault(key, f"{message}{_guess(key, self._read)}")

    def _keys(self) -> list[str]:
        return list(self.node.value) if isinstance(self.node.value, dict) else []

    def _get(self, key: str) -> Node | None:
        self._read.add(key)
        return self._child(key)

    def _child(self, key: str) -> Node | None:
        return self.node.child(key) if isinstance(self.node.value, dict) else None


def why_no_queue(name: str) -> str:
    """Why no fleet can serve a queue of this name; '' if one can."""
    if not name or name != name.strip() or "," in name or not name.isprintable():
        return "is no queue: it must be a name without commas and outer spaces"
    return "is longer than a queue's 255 bytes" if len(name.encode()) > LONGEST_QUEUE else ""


def shown(node: Node) -> str:
    """A value for a message, whatever its size."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    return "nothing" if node.value is None else repr(node.value)[:SHOWN]


def _guess(word: str, known: set[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - 10 ms, which only mistakes need

    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else "; leave it out, or look at its spelling"
