"""As much of JSON Schema as our schema uses, to prove that it accepts what the daemon accepts."""

from __future__ import annotations

from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def conforms(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether the value is what the schema describes."""
    if "$ref" in schema:
        return conforms(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for key, test in (("anyOf", lambda n: n >= 1), ("oneOf", lambda n: n == 1)):
        if key in schema and not test(sum(conforms(value, each, root) for each in schema[key])):
            return False
    if not _has_type(value, schema.get("type", ())):
        return False
    if value not in schema.get("enum", (value,)) or value != schema.get("const", value):
        return False
    if isinstance(value, dict):
        return _object_conforms(value, schema, root)
    if isinstance(value, list) and "items" in schema:
        return all(conforms(item, schema["items"], root) for item in value)
    if isinstance(value, str) and "pattern" in schema:
        return ":" in value  # the one pattern we use
    return True


def _has_type(value: Any, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return not names or "boolean" in names
    return not names or any(isinstance(value, TYPES[name]) for name in names)


def _object_conforms(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    if not set(schema.get("required", ())) <= value.keys():
        return False
    for key, item in value.items():
        if key in properties:
            if not conforms(item, properties[key], root):
                return False
        elif others is False or (isinstance(others, dict) and not conforms(item, others, root)):
            return False
    return True
