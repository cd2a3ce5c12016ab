"""The configs of config/kubernetes are sound."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autoscaler.config import parse
from autoscaler.controller import Controller
from tests.deploy.manifests import ROOT

EXAMPLES = sorted((ROOT / "config" / "kubernetes").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_config(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_TOKEN", "let-me-in")
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://broker/0")
    monkeypatch.setenv("AUTOSCALER_AIRFLOW_DATABASE_URL", "postgresql://reader@database/airflow")
    config = parse(path.read_text(encoding="utf-8"))
    sampled = [p.options.sample for f in config.fleets for p in f.policies if p.kind == "step"]
    assert sampled
    asyncio.run(close(config.model_copy(update={"state_directory": tmp_path})))


async def close(config) -> None:
    """What the daemon does before its first tick works."""
    await Controller(config).aclose()
