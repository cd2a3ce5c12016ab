"""The loop: counted time, a schedule by seed, frozen and dying processes, no swallowed errors."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from tests.simulation.loop import PROCESS, Process, SimLoop


def order_of(seed):
    """In which order eight tasks that are ready at once run."""
    seen = []

    async def note(number):
        await asyncio.sleep(0)
        seen.append(number)

    async def main():
        async with asyncio.TaskGroup() as tasks:
            for number in range(8):
                tasks.create_task(note(number))

    SimLoop(seed).run(main())
    return seen


def start_in(process, loop, coroutine):
    context = contextvars.copy_context()
    context.run(PROCESS.set, process)
    return loop.create_task(coroutine, context=context)


def test_time_is_counted_and_costs_none():
    loop = SimLoop("1")

    async def main():
        await asyncio.sleep(86_400)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return loop.time()

    assert loop.run(main()) == 86_405


def test_the_seed_is_the_schedule():
    assert order_of("1") == order_of("1")
    assert len({tuple(order_of(str(seed))) for seed in range(10)}) > 5


def test_a_task_group_ends_its_tasks_in_the_same_order_each_time():
    def ends(seed):
        seen = []

        async def wait(number):
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(number)

        async def main():
            async with asyncio.TaskGroup() as tasks:
                for number in range(20):
                    tasks.create_task(wait(number))
                await asyncio.sleep(1)
                raise ValueError

        with pytest.raises(ExceptionGroup):
            SimLoop(seed).run(main())
        return seen

    assert ends("1") == ends("1")


def test_a_frozen_process_stands_still_while_time_goes_on():
    loop, process, ticks = SimLoop("1"), Process("p"), []

    async def tick():
        while True:
            await asyncio.sleep(1)
            ticks.append(loop.time())

    async def main():
        task = start_in(process, loop, tick())
        await asyncio.sleep(2.5)
        process.freeze()
        await asyncio.sleep(10)
        process.thaw(loop)
        await asyncio.sleep(2)
        task.cancel()

    loop.run(main())
    assert ticks == [1, 2, 12.5, 13.5]


def test_a_process_dies_at_the_step_it_is_told_to():
    loop, process, steps = SimLoop("1"), Process("p"), []
    process.steps_to_live = 3
    process.on_death = lambda: steps.append("dead")

    async def live():
        for step in range(6):
            steps.append(step)
            await asyncio.sleep(1)

    async def main():
        await start_in(process, loop, live())

    loop.run(main())
    assert steps == [0, 1, "dead", 2, 3, 4, 5]  # a timer is a step too


def test_an_error_nobody_retrieves_is_kept():
    loop = SimLoop("1")

    async def main():
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    loop.run(main())
    assert "ZeroDivisionError" in loop.failures[0]
