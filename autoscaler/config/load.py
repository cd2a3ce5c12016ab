"""From a file, or its text, to a checked config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoscaler.config.root import Config
from autoscaler.document import compose
from autoscaler.text_file import read_text


def load(path: Path | str) -> Config:
    """The config in a file. Raises ConfigError with every fault as `file:line: path: message`."""
    return parse(read_text(Path(path)), str(path))


def parse(text: str, name: str = "<text>") -> Config:
    """The config in a text, called `name` in faults. Raises ConfigError as `load` does."""
    document = compose(text, name)
    return Config.model_validate(document.root.plain(), context=document)


def schema() -> dict[str, Any]:
    """The JSON Schema of a config file, with the options of every kind, for editors."""
    generated = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}
