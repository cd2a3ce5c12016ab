"""From a file, or its text, to a checked config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoscaler.config.document import MAX_BYTES, compose, yaml_fault
from autoscaler.config.root import Config
from autoscaler.errors import ConfigError


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


def read_text(path: Path) -> str:
    """A file's text. Raises ConfigError when it is no regular file, too large, or not UTF-8."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(yaml_fault(str(path), 1, "not a regular file"))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(yaml_fault(str(path), 1, f"cannot be read: {reason}")) from error
    if len(content) > MAX_BYTES:
        raise ConfigError(yaml_fault(str(path), 1, f"larger than {MAX_BYTES} bytes"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(yaml_fault(str(path), line, "not UTF-8; save it as UTF-8")) from error
