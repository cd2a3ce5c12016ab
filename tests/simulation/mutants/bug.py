"""A planted bug: a small rewrite of one module, and whether it still fits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Bug:
    """In `module` (without `autoscaler.`) the text `before` becomes `after`.

    harmless: why it cannot be found, when something else keeps it from doing harm.
    """

    name: str
    module: str
    before: str
    after: str
    harmless: str = ""

    @property
    def full_module(self) -> str:
        """The module's whole name."""
        return f"autoscaler.{self.module}"

    @property
    def path(self) -> Path:
        """The module's file."""
        return ROOT / f"{self.full_module.replace('.', '/')}.py"

    def plant(self, source: str) -> str:
        """The source with the bug in it. Raises ValueError unless it fits in exactly once."""
        found = source.count(self.before)
        if found != 1:
            raise ValueError(f"{self.name}: its text is {found} times in {self.full_module}")
        return source.replace(self.before, self.after)
