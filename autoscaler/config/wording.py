"""What pydantic finds, in the words of this project: what is wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from autoscaler.config.faults import MAX_FAULTS, Fault
from autoscaler.document import Location

_UNIONS = (Union, UnionType)
_LONGEST_SHOWN = 40
_LONGEST_GUESSED = 64


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`did you mean 'x'?`, or else everything there is to choose from."""
    known = sorted(choices)
    guesses = get_close_matches(word, known, n=1) if len(word) <= _LONGEST_GUESSED else []
    if guesses:
        return f"did you mean {guesses[0]!r}?"
    return f"known here: {', '.join(known) or 'nothing'}"


def shown(value: object) -> str:
    """The value as faults quote it; what is long or has parts is not shown whole."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def faults_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """Where, within the model that was validated, and what is wrong."""
    found: dict[Location, list[str]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]:
            continue  # its items are at fault, each of which is reported
        words = _WORDS.get(detail["type"])
        location = _without_tags(model, detail["loc"])
        message = words(detail, model) if words else detail["msg"]
        found.setdefault(location, []).append(message)
        if len(found) > MAX_FAULTS:
            break
    for location, messages in found.items():
        yield location, "; or ".join(dict.fromkeys(messages))


Words = Callable[[ErrorDetails, type[BaseModel]], str]


def _must_be(wanted: str) -> Words:
    return lambda detail, _: f"must be {wanted}, not {shown(detail['input'])}"


def _bound(words: str, name: str) -> Words:
    def say(detail: ErrorDetails, _: type[BaseModel]) -> str:
        return f"must be {words} {detail['ctx'][name]:g}, not {shown(detail['input'])}"

    return say


def _one_of(detail: ErrorDetails, _: type[BaseModel]) -> str:
    return f"must be {detail['ctx']['expected']}, not {shown(detail['input'])}"


def _unknown_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, key = detail["loc"]
    return f"unknown key; {did_you_mean(str(key), _keys_of(_type_at(model, parents)))}"


def _missing(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, key = detail["loc"]
    owner = _type_at(model, parents)
    described = _is_model(owner) and owner.model_fields[str(key)].description
    return f"is required: {described}" if described else "is required"


def _too_short(detail: ErrorDetails, _: type[BaseModel]) -> str:
    return f"must hold at least {detail['ctx']['min_length']}"


def _value_error(detail: ErrorDetails, _: type[BaseModel]) -> str:
    return str(detail["ctx"]["error"])


_WHOLE_NUMBER = _must_be("a whole number")
_NUMBER = _must_be("a number")
_BOOLEAN = _must_be("true or false")
_MAPPING = _must_be("a mapping of keys")
_LIST = _must_be("a list")

_WORDS: Mapping[str, Words] = {
    "bool_parsing": _BOOLEAN,
    "bool_type": _BOOLEAN,
    "dataclass_type": _MAPPING,
    "dict_type": _MAPPING,
    "enum": _one_of,
    "extra_forbidden": _unknown_key,
    "finite_number": _NUMBER,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_type": _WHOLE_NUMBER,
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "list_type": _LIST,
    "literal_error": _one_of,
    "mapping_type": _MAPPING,
    "missing": _missing,
    "model_type": _MAPPING,
    "path_type": _must_be("a path in quotes"),
    "string_too_short": _must_be("a text that is not empty"),
    "string_type": _must_be("a text in quotes"),
    "too_short": _too_short,
    "tuple_type": _LIST,
    "unexpected_keyword_argument": _unknown_key,
    "value_error": _value_error,
}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _keys_of(owner: Any) -> Iterable[str]:
    if _is_model(owner):
        keys: Iterable[str] = owner.model_fields
        return keys
    return [each.name for each in fields(owner)] if is_dataclass(owner) else ()


def _type_at(annotation: Any, location: Iterable[str | int]) -> Any:
    """The type of the value at this location of a model, as far as annotations tell."""
    for part in location:
        annotation = _type_of_part(_plain(annotation), part)
    return _plain(annotation)


def _without_tags(model: Any, location: Location) -> Location:
    """The location without what pydantic adds to it: `[key]`, and the type of a union it tried."""
    annotation, kept, tag_follows = model, [], False
    for part in location:
        if tag_follows or part == "[key]":
            tag_follows = False
            continue
        kept.append(part)
        annotation = _plain(_type_of_part(annotation, part))
        tag_follows = get_origin(annotation) in _UNIONS
    return tuple(kept)


def _type_of_part(annotation: Any, part: str | int) -> Any:
    if _is_model(annotation):
        found = annotation.model_fields.get(str(part))
        return found.annotation if found else None
    if is_dataclass(annotation):
        return get_type_hints(annotation).get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, Mapping):
        return arguments[1]
    return arguments[0] if arguments else None


def _plain(annotation: Any) -> Any:
    """The annotation without `Annotated` and without `None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in _UNIONS:
        members = [each for each in get_args(annotation) if each is not NoneType]
        return _plain(members[0]) if len(members) == 1 else annotation
    return annotation
