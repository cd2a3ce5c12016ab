"""What only the simulated target does: units that take their time, and some from the start."""

import pytest

from autoscaler.errors import ConfigError, TargetConflict
from autoscaler.interfaces import Context
from autoscaler.targets.simulated import Simulated, SimulatedOptions
from tests.units import FLEET, MARK, NOW, add, drain, phases, remove


def simulated(**options: float) -> Simulated:
    return Simulated(SimulatedOptions.model_validate(options), Context(FLEET.name, FLEET))


async def test_units_are_pending_until_they_have_started():
    target = simulated(start_seconds=10)
    await target.add([add("default-1", 1)])
    assert await phases(target, NOW + 9) == {"default-1": "pending"}
    assert await phases(target, NOW + 10) == {"default-1": "running"}


async def test_units_are_terminating_until_they_have_stopped():
    target = simulated(stop_seconds=10)
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    await target.remove([remove("default-1", 3, at=NOW + 5)])
    assert await phases(target, NOW + 14) == {"default-1": "terminating"}
    with pytest.raises(TargetConflict, match="is terminating"):
        await target.mark(drain("default-1", 4), None)
    assert await phases(target, NOW + 15) == {}


async def test_some_run_from_the_start_and_stay_away_once_removed():
    target = simulated(initial_replicas=2, start_seconds=10)
    assert await phases(target) == {"default-1": "running", "default-2": "running"}
    await target.mark(drain("default-1", 1), MARK)
    await target.remove([remove("default-1", 2)])
    (left,) = await target.units(NOW + 100)
    assert (left.name, left.worker) == ("default-2", "default-2@simulated")


def test_it_needs_a_fleet():
    with pytest.raises(ConfigError, match="needs a fleet"):
        Simulated(SimulatedOptions(), Context("x"))
