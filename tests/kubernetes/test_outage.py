"""The API server is away for five minutes: nothing is done, and then it goes on by itself."""

from __future__ import annotations

from tests.kubernetes.test_hpa import Hpa, hpa  # noqa: F401 - a fixture


async def test_five_minutes_without_the_api_server(hpa: Hpa) -> None:  # noqa: F811
    hpa.use("1050m", "512Mi")
    await hpa.tick()
    await hpa.cluster.server.stop()
    for _ in range(60):
        turn = await hpa.tick(5.0)
        assert turn.decision.desired == 4
        assert turn.outcomes == ()
        assert "target/worker" in turn.snapshot.missing
    await hpa.cluster.server.start()
    assert (await hpa.tick(5.0)).decision.desired == 6
    await hpa.pods(6)
    assert hpa.cluster.asked("patch") == ["patch deployments/scale worker"]
