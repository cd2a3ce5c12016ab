"""What every target does alike: units in memory, processes, pods."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.errors import StaleActionError, TargetConflict, TargetError
from autoscaler.interfaces import Context, Target
from autoscaler.model import ActionKind, Drain
from autoscaler.targets.simulated import Simulated, SimulatedOptions
from tests.contract.named_pods import NamedPods, named_pods
from tests.servers import eventually
from tests.units import FLEET, MARK, NOW, action, add, drain, kill_units, local, phases, remove
from tests.units import unit_of as unit


@contextlib.asynccontextmanager
async def simulated(_: Path) -> AsyncIterator[Target]:
    yield Simulated(SimulatedOptions(), Context(FLEET.name, FLEET))


@contextlib.asynccontextmanager
async def processes(directory: Path) -> AsyncIterator[Target]:
    yield local(directory)
    kill_units(directory)


@pytest.fixture(params=[simulated, processes, named_pods])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    async with request.param(tmp_path) as made:
        yield made
        await made.aclose()
        await made.aclose()


async def test_there_is_nothing_at_first(target):
    assert await target.units(NOW) == ()


async def test_one_unit_comes_for_each_action(target):
    await target.add([add("default-1", 1), add("default-2", 2)])
    assert await phases(target) == {"default-1": "running", "default-2": "running"}
    first = await unit(target, "default-1")
    assert (first.created_at, first.drain) == (NOW, None)


async def test_nothing_asked_is_nothing_done(target):
    await target.add([])
    await target.remove([])
    assert await target.units(NOW) == ()


async def test_adding_twice_makes_no_second_unit(target):
    await target.add([add("default-1", 1)])
    await target.add([add("default-1", 1)])
    await target.add([add("default-1", 2), add("default-2", 3)])
    assert sorted(await phases(target)) == ["default-1", "default-2"]


async def test_one_batch_with_a_name_twice_makes_one_unit(target):
    await target.add([add("default-1", 1), add("default-1", 2)])
    assert await phases(target) == {"default-1": "running"}


async def test_an_addition_that_comes_late_is_refused(target):
    await target.add([add("default-1", 5)])
    with pytest.raises(StaleActionError, match=r"sequence 4\) is not newer than \(term 1, seq"):
        await target.add([add("default-2", 4)])
    with pytest.raises(StaleActionError):
        await target.add([add("default-2", 5)])
    assert list(await phases(target)) == ["default-1"]


async def test_a_unit_that_is_gone_does_not_come_back_by_a_late_addition(target):
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    await target.remove([remove("default-1", 3)])
    await eventually(lambda: gone(target), "the end of the unit")
    with pytest.raises(StaleActionError):
        await target.add([add("default-1", 1)])
    await target.add([add("default-1", 4)])
    assert await phases(target) == {"default-1": "running"}


async def test_nothing_of_an_older_term_is_done(target):
    await target.add([add("default-1", 1, term=1)])
    await target.add([add("default-2", 1, term=2)])
    with pytest.raises(StaleActionError):
        await target.add([add("default-3", 99, term=1)])
    with pytest.raises(StaleActionError, match="term 2"):
        await target.mark(drain("default-1", 99, term=1), MARK)
    assert (await unit(target, "default-1")).drain is None


async def test_there_are_never_more_units_than_the_maximum(target):
    await target.add([add(f"default-{n}", n) for n in (1, 2, 3)])
    with pytest.raises(TargetConflict, match="3 units are there already: 2 more would exceed 4"):
        await target.add([add("default-4", 4), add("default-5", 5)])
    assert len(await target.units(NOW)) == 3
    await target.mark(drain("default-1", 6), MARK)
    await target.add([add("default-4", 7)])
    with pytest.raises(TargetConflict):
        await target.add([add("default-5", 8)])


async def test_a_mark_is_kept_changed_and_taken_away(target):
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    assert (await unit(target, "default-1")).drain == MARK
    more = Drain(NOW, ("default", "high"))
    await target.mark(drain("default-1", 3), more)
    assert (await unit(target, "default-1")).drain == more
    await target.mark(action(ActionKind.RESUME, "default-1", 4), None)
    assert (await unit(target, "default-1")).drain is None


async def test_a_mark_that_comes_late_is_refused(target):
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 3), MARK)
    for late in (2, 3):
        with pytest.raises(StaleActionError):
            await target.mark(action(ActionKind.RESUME, "default-1", late), None)
    assert (await unit(target, "default-1")).drain == MARK


async def test_the_actions_of_one_plan_may_come_in_any_order(target):
    await target.add([add("default-1", 1), add("default-2", 2)])
    await target.mark(drain("default-2", 6), MARK)
    await target.mark(drain("default-1", 5), MARK)
    await target.remove([remove("default-2", 8)])
    await target.remove([remove("default-1", 7)])
    await eventually(lambda: gone(target), "the end of both units")


async def test_what_is_not_there_cannot_be_marked(target):
    with pytest.raises(TargetConflict, match="default-9 is gone"):
        await target.mark(drain("default-9", 1), MARK)


async def test_a_unit_without_a_mark_is_not_removed(target):
    await target.add([add("default-1", 1), add("default-2", 2)])
    await target.mark(drain("default-1", 3), MARK)
    with pytest.raises(TargetConflict, match="is not marked as draining"):
        await target.remove([remove("default-1", 4), remove("default-2", 5)])
    assert await phases(target) == {"default-1": "running", "default-2": "running"}


async def test_a_removal_from_before_the_unit_was_resumed_and_drained_anew_is_refused(target):
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    late = remove("default-1", 3)
    await target.mark(action(ActionKind.RESUME, "default-1", 4), None)
    await target.mark(drain("default-1", 5), MARK)
    with pytest.raises(StaleActionError):
        await target.remove([late])
    assert await phases(target) == {"default-1": "running"}


async def test_a_marked_unit_leaves_and_the_others_stay(target):
    await target.add([add("default-1", 1), add("default-2", 2)])
    await target.mark(drain("default-1", 3), MARK)
    await target.remove([remove("default-1", 4)])
    await eventually(lambda: gone(target, "default-1"), "the end of the unit")
    assert await phases(target) == {"default-2": "running"}


async def test_removing_what_is_gone_or_going_is_nothing(target):
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    await target.remove([remove("default-1", 3)])
    await target.remove([remove("default-1", 3)])
    await target.remove([remove("default-1", 4)])
    await eventually(lambda: gone(target), "the end of the unit")
    await target.remove([remove("default-1", 5), remove("never-was", 6)])
    assert await target.units(NOW) == ()


async def test_a_name_is_not_given_anew_while_its_unit_drains(target):
    if isinstance(target, NamedPods):
        pytest.skip("a cluster names its pods, and no two alike")
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    with pytest.raises(TargetConflict, match="still leaving"):
        await target.add([add("default-1", 3)])


async def test_refusals_are_errors_of_targets(target):
    with pytest.raises(TargetError):
        await target.mark(drain("default-1", 1), MARK)


async def gone(target: Target, *names: str) -> bool:
    """Whether these units, or without names all, are gone."""
    present = {unit.name for unit in await target.units(NOW)}
    return present.isdisjoint(names) if names else not present
