"""The same on pods, which are killed when their grace is over: only drained, empty ones ever go."""

from __future__ import annotations

import pytest

from tests.zero_kill.pods import PodRig, running_pods
from tests.zero_kill.rig import Load, Verdict

SMALL, SMALL_GRACE = Load(tasks=30, longest_seconds=4.0, slots=2, workers=3), 1
LARGE, LARGE_GRACE = Load(tasks=500, shortest_seconds=1, longest_seconds=60, slots=8), 30


async def scale_with_the_daemon(rig: PodRig) -> None:
    """Down to two, up to all but one, down to one, and then everything is finished."""
    load = rig.load
    rig.send()
    await rig.finished_at_least(load.workers)
    await rig.hold(2)
    await rig.until_units(2, 300)
    await rig.hold(load.workers - 1)
    await rig.until("ready_replicas", load.workers - 1, 300)
    await rig.hold(1)
    await rig.until_units(1, 300)
    await rig.hold(load.workers)
    await rig.finished_at_least(load.tasks, 900)


async def scale_by_replicas_alone(rig: PodRig) -> None:
    """The same steps as an HPA or KEDA takes them: by the number, whoever is busy."""
    load = rig.load
    rig.send()
    await rig.finished_at_least(load.workers)
    for size in (2, load.workers - 1, 1):
        rig.cluster.scale(size, "kube-controller-manager")
        await rig.until_units(size, 300)


async def compare(directory, load: Load, grace: int) -> None:
    async with running_pods(directory / "daemon", load, grace) as rig:
        await scale_with_the_daemon(rig)
        assert await rig.verdict() == Verdict(load.tasks, lost=0, killed=0, run_twice=0)
    async with running_pods(directory / "replicas", load, grace, daemon=False) as rig:
        await scale_by_replicas_alone(rig)
        assert rig.cluster.kubelet.killed != [], "whose grace was over lost its tasks"
        assert (await rig.verdict()).killed > 0


async def test_a_small_fleet_of_pods_side_by_side_with_plain_replicas(tmp_path):
    await compare(tmp_path, SMALL, SMALL_GRACE)


@pytest.mark.full
async def test_500_tasks_of_up_to_a_minute_with_half_a_minute_of_grace(tmp_path):
    await compare(tmp_path, LARGE, LARGE_GRACE)
