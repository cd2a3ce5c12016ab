"""Writes the generated part of docs/configuration.md: `python -m tests.config.reference`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autoscaler.config import schema

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
MARK = "<!-- Generated from here on by `python -m tests.config.reference`. -->\n"


def generated() -> str:
    """The tables of every section and kind, from the schema that editors get."""
    whole = schema()
    definitions = whole["$defs"]
    fleet = definitions["FleetConfig"]
    sections = {
        "Top level": whole,
        "`http`": definitions["HttpConfig"],
        "`journal`": definitions["JournalConfig"],
        "`log`": definitions["LogConfig"],
        "`fleets[]`": fleet,
        "`fleets[].behavior.scale_up`, `.scale_down`": definitions["ScalingRules"],
        "`fleets[].behavior.scale_up.limits[]`": definitions["Limit"],
        "`fleets[].drain`": definitions["DrainRules"],
        "`fleets[].budgets`": definitions["BudgetsConfig"],
    }
    properties = whole["properties"]
    kinds = {
        "Policies": fleet["properties"]["policies"]["items"]["oneOf"],
        "Targets": fleet["properties"]["target"]["oneOf"],
        "Sources": properties["sources"]["additionalProperties"]["oneOf"],
        "Notifiers": properties["notifiers"]["items"]["oneOf"],
        "Elections": properties["leader"]["oneOf"],
        "Checks": list(properties["checks"]["properties"].values()),
    }
    parts = ["\n## Every key\n"]
    for title, section in sections.items():
        parts.append(f"\n### {title}\n\n{_table(section, definitions)}")
    for title, group in kinds.items():
        parts.append(f"\n## {title}\n")
        for kind in group:
            if "title" in kind:
                parts.append(f"\n### `{kind['title']}`\n\n{_table(kind, definitions)}")
                parts += _nested(kind, definitions)
    return "".join(parts)


def _nested(kind: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """Tables of the records that lists among the options hold."""
    for name, described in kind["properties"].items():
        reference = described.get("items", {}).get("$ref")
        if reference:
            yield f"\n`{name}[]`:\n\n{_table(_definition(reference, definitions), definitions)}"


def _table(section: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The keys of a section; of a record whose keys are not described one by one, its own words."""
    keys = {n: d for n, d in section["properties"].items() if "const" not in d}
    if not keys:
        return "No options.\n"
    described = all("description" in key for key in keys.values())
    rows = ["| key | value | default |", "|---|---|---|"]
    for name, key in keys.items():
        default = "required" if name in section.get("required", ()) else _default(key)
        rows.append(f"| `{name}` | {_type(key, definitions)} | {default} |")
    if not described:
        return f"{section['description']}\n\n" + "".join(f"{row}\n" for row in rows)
    meanings = ["meaning", "---", *(key["description"] for key in keys.values())]
    return "".join(f"{row} {what} |\n" for row, what in zip(rows, meanings, strict=True))


def _default(described: Mapping[str, Any]) -> str:
    if "default" not in described or described["default"] in ([], {}, None):
        return ""
    return f"`{json.dumps(described['default'])}`"


def _type(described: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in described:
        return _type(_definition(described["$ref"], definitions), definitions)
    if "enum" in described:
        return ", ".join(f"`{choice}`" for choice in described["enum"])
    if "anyOf" in described:
        return _alternatives(described["anyOf"], definitions)
    if "oneOf" in described:
        return "`{kind: …}`"
    if described.get("type") == "array":
        return f"list of {_type(described.get('items', {}), definitions)}"
    values = described.get("additionalProperties")
    if described.get("type") == "object" and isinstance(values, dict):
        return f"mapping to {_type(values, definitions)}"
    words = {"string": "text", "integer": "whole number", "object": "mapping"}
    kind = described.get("type", "value")
    return words.get(kind, kind) + _bounds(described)


def _alternatives(choices: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
    words = [
        "secret" if choice.get("required") in (["env"], ["file"]) else _type(choice, definitions)
        for choice in choices
        if choice.get("type") != "null"
    ]
    if "secret" in words:
        return "secret"
    return " or ".join(dict.fromkeys(words))


def _bounds(described: Mapping[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {described[key]:g}" for key, sign in signs.items() if key in described]
    return f" {', '.join(bounds)}" if bounds else ""


def _definition(reference: str, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = definitions[reference.rpartition("/")[2]]
    return found


def main() -> None:
    """Replace what follows the mark in the page."""
    written = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(written + MARK + generated(), encoding="utf-8")


if __name__ == "__main__":
    main()
