"""How hard hypothesis looks (HYPOTHESIS_PROFILE=ci for more examples), and shared fixtures."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.postgres import PostgresServer, postgres_server
from tests.units import kill_units

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a test configures of the log is undone, so that the order of tests says nothing."""
    root = logging.getLogger()
    level = root.level
    yield
    structlog.reset_defaults()
    ours = structlog.stdlib.ProcessorFormatter
    root.handlers[:] = [h for h in root.handlers if not isinstance(h.formatter, ours)]
    root.setLevel(level)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[Path]:
    """A state directory; whatever local units run for it are killed in the end."""
    place = tmp_path / "state"
    yield place
    kill_units(place)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that do not stop it; each makes databases of its own."""
    with postgres_server() as server:
        yield server
