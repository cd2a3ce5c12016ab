"""A conversion as YAML that `autoscaler check` takes, with its notes as comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from textwrap import indent, wrap
from typing import Any

import yaml

from autoscaler.convert.draft import Note, NoteKind
from autoscaler.convert.input import Conversion, Translated
from autoscaler.document import resolved

WIDTH = 100
SHORT = 80


def written(conversion: Conversion) -> str:
    """The text: variables, sources, and each fleet under the notes on it."""
    return "\n".join(_lines(conversion)) + "\n"


def _lines(conversion: Conversion) -> Iterator[str]:
    if conversion.variables:
        yield "# The daemon reads these variables; what belongs into them:"
        for variable in conversion.variables:
            yield from _comment(f"{variable.name}: {variable.holds}", "#   ")
    if conversion.sources:
        yield "sources:"
        yield from (indent(_yaml({name: each}), "  ") for name, each in conversion.sources.items())
    yield "fleets:" if conversion.fleets else "# fleets: none; see below"
    for each in conversion.objects:
        yield from _object_lines(each)


def _object_lines(each: Translated) -> Iterator[str]:
    yield from _comment(f"from {each.origin}", "  # ")
    if each.fleet is None:
        yield from _comment("no fleet: nothing of it could be translated", "  # ")
    yield from _note_lines(each.notes)
    if each.fleet is not None:
        yield indent(_yaml([each.fleet]), "  ")


def _note_lines(notes: Sequence[Note]) -> Iterator[str]:
    for note in sorted(notes, key=_rank):
        place = f"{note.path}: " if note.path else ""
        yield from _comment(f"{note.kind}: {place}{note.message}", "  #   ")


def _rank(note: Note) -> int:
    return list(NoteKind).index(note.kind)


def _comment(text: str, prefix: str) -> Iterator[str]:
    """The text as comments; what YAML could take for a line break is written as an escape."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    width = WIDTH - len(prefix)
    lines = wrap(shown, width, break_long_words=False, break_on_hyphens=False)
    for index, line in enumerate(lines):
        yield f"{prefix}{'  ' if index else ''}{line}"


class _Dumper(yaml.SafeDumper):
    """Writes what our reader reads back as the same; it follows YAML 1.2, unlike PyYAML."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:  # noqa: FBT001 - PyYAML's signature
        return super().represent_mapping(tag, mapping, flow_style or _fits(mapping))

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:  # noqa: FBT001 - PyYAML's signature
        return super().represent_sequence(tag, sequence, flow_style or _fits(sequence))


def _fits(value: Any) -> bool:
    """Whether it is short enough for one line."""
    text = str(value)
    return len(text) <= SHORT and "\\n" not in text


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(resolved(text), str) else '"'
    if "\n" in text:
        style = "|" if text == text.strip() and text.replace("\n", "").isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def _yaml(value: Any) -> str:
    """One key or item, whose value may be on its line."""
    dumper = _Dumper(text := StringIO(), sort_keys=False, allow_unicode=True, width=WIDTH)
    dumper.open()
    node = dumper.represent_data(value)
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = False
    dumper.serialize(node)
    dumper.close()
    return text.getvalue().rstrip()
