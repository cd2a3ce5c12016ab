"""A file of YAML as text, with a fault that teaches when it cannot be read."""

from __future__ import annotations

from pathlib import Path

from autoscaler.document import MAX_BYTES, yaml_fault
from autoscaler.errors import ConfigError


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
