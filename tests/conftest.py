"""How hard hypothesis looks (HYPOTHESIS_PROFILE=ci for more examples), and shared fixtures."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import PostgresServer, postgres_server
from tests.units import kill_units

settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile("ci", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


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
