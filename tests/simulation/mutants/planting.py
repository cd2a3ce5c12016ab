"""An import hook that hands one module over with a bug in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tests.simulation.mutants.bug import Bug


def plant(bug: Bug) -> None:
    """Every later import of the bug's module gets the bug. Raises if it was imported already."""
    if bug.full_module in sys.modules:
        raise ImportError(f"{bug.full_module} was imported before the bug was planted")
    sys.meta_path.insert(0, _Planter(bug))


class _Planter(MetaPathFinder):
    """Finds one module only."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._bug.full_module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._bug)
        return spec


class _Loader(SourceFileLoader):
    """Compiles the rewritten source; bytecode of the true one is neither read nor written."""

    def __init__(self, fullname: str, path: str, bug: Bug) -> None:
        super().__init__(fullname, path)
        self._bug = bug

    def get_code(self, fullname: str) -> CodeType:
        source = self._bug.plant(self.get_data(self.path).decode())
        return compile(source, self.path, "exec", dont_inherit=True)
