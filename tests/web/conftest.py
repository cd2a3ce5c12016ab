"""Fixtures of the web tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.secret import Secret
from tests.ticks import tick
from tests.web.serving import TOKEN, Api, running


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """A server with a token that has seen one tick."""
    async with running(tmp_path / "state", Secret(TOKEN)) as serving:
        serving.observe(tick())
        yield serving
