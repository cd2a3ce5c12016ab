"""`autoscaler kinds`: what can be written after `kind:`, and what each can be told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autoscaler.cli.client import add_output_arguments
from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.table import table

EXAMPLES = """\
examples:
  autoscaler kinds                           everything there is
  autoscaler kinds policy                    the policies
  autoscaler kinds policy target_tracking    its options
  autoscaler kinds source my.module:MySource your own

Any `kind` may also be `package.module:Class`.
"""
NAMES = ("source", "policy", "check", "target", "notifier", "election")
Schema = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("type", nargs="?", choices=NAMES, help="only these")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the options of this one")
    add_output_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """List the kinds, or the options of one."""
    found = list(_described(arguments.type, arguments.name))
    if arguments.output == "json":
        print(json.dumps(found))
    elif arguments.name is None:
        rows = [(each["type"], each["kind"], each["description"]) for each in found]
        print(table(("type", "kind", "what it does"), rows))
    else:
        schema = found[0]["options"]
        print(f"{arguments.name}: {found[0]['description']}\n")
        definitions = schema.get("$defs", {})
        options = [option.row(definitions) for option in _options(schema, definitions)]
        print(table(("option", "type", "default", "what it is"), options))
    return 0


def _described(type_name: str | None, kind: str | None) -> Iterator[dict[str, Any]]:
    from autoscaler import registry  # noqa: PLC0415 - imports pydantic
    from autoscaler.errors import ConfigError  # noqa: PLC0415 - beside it

    for plugin_type, known in registry.KINDS.items():
        name = plugin_type.__name__.lower()
        if type_name not in (None, name):
            continue
        for each in known if kind is None else (kind,):
            try:
                plugin = registry.find(plugin_type, each)
            except ConfigError as error:
                hint = f"`autoscaler kinds {name}` lists them"
                raise Failure(str(error), hint, Exit.USAGE) from error
            yield {
                "type": name,
                "kind": each,
                "description": (plugin.__doc__ or "").strip().partition("\n")[0],
                "options": plugin.options_type.model_json_schema(),
            }


@dataclass(frozen=True, slots=True)
class Option:
    """One option, `path` being `steps[].above` for one of list items."""

    path: str
    schema: Schema
    required: bool

    def row(self, definitions: Schema) -> tuple[str, str, str, str]:
        """Path, type, default, description."""
        default = json.dumps(self.schema["default"]) if "default" in self.schema else "-"
        kind = _type(self.schema, definitions)
        about = self.schema.get("description", "")
        return self.path, kind, "required" if self.required else default, about


def _options(schema: Schema, definitions: Schema, prefix: str = "") -> Iterator[Option]:
    """The options of a schema, and those of what its options hold."""
    required = schema.get("required", ())
    for name, option in schema.get("properties", {}).items():
        yield Option(f"{prefix}{name}", option, name in required)
        item = _resolved(option.get("items", option), definitions)
        mark = "[]." if "items" in option else "."
        yield from _options(item, definitions, f"{prefix}{name}{mark}")


def _type(option: Schema, definitions: Schema) -> str:
    if _is_secret(option):
        return "secret"
    option = _resolved(option, definitions)
    if "enum" in option:
        return "|".join(map(str, option["enum"]))
    choices = option.get("anyOf", option.get("oneOf"))
    if choices is not None:
        kinds = [_type(each, definitions) for each in choices if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if option.get("type") == "array":
        return f"list of {_type(option.get('items', {}), definitions)}"
    return str(option.get("type", "any"))


def _resolved(option: Schema, definitions: Schema) -> Schema:
    reference = option.get("$ref")
    if reference is None:
        return option
    resolved: Schema = definitions[reference.rpartition("/")[2]]
    return resolved


def _is_secret(option: Schema) -> bool:
    """A text, `{env: NAME}` or `{file: PATH}`."""
    keys = {key for each in option.get("anyOf", ()) for key in each.get("properties", ())}
    return keys == {"env", "file"}
