"""Faults of workers and of their broker, and sudden load."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.faults import Fault, Heal, window
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.world import World


def _some_worker(world: World, random: Random) -> SimWorker | None:
    able = [worker for worker in world.broker.workers if worker.connected]
    return random.choice(able) if able else None


def _hang(world: World, random: Random) -> Heal | None:
    worker = _some_worker(world, random)
    if worker is None or worker.hung:
        return None
    worker.hang()
    return worker.wake


def _turn_catatonic(world: World, random: Random) -> Heal | None:
    worker = _some_worker(world, random)
    if worker is None or worker.catatonic:
        return None

    def heal() -> None:
        worker.catatonic = False
        worker.connect()

    worker.catatonic = True
    return heal


def _kill_unit(world: World, random: Random) -> None:
    """The node dies: the unit vanishes with its worker."""
    platform = random.choice(list(world.platforms.values()))
    if platform.units:
        platform.lose(random.choice(list(platform.units.values())), "node")


def _restart_in_place(world: World, random: Random) -> None:
    """Out of memory: the worker starts anew in its unit and consumes all its queues again."""
    platform = random.choice(list(world.platforms.values()))
    units = [unit for unit in platform.units.values() if unit.process is not None]
    if units:
        platform.restart_in_place(random.choice(units), "oom")


def _twin(world: World, random: Random) -> Heal | None:
    """Somebody starts a second worker with the nodename of a first."""
    original = _some_worker(world, random)
    if original is None or len(world.broker.named(original.name)) > 1:
        return None
    twin = SimWorker(world, original.name, original.settings)
    world.broker.workers.append(twin)
    twin.connect()
    return lambda: twin.kill("human")


def _restart_broker(world: World, random: Random) -> None:
    """Every connection is lost; some workers come back late, one may come back catatonic."""
    for worker in list(world.broker.workers):
        if worker.connected:
            worker.disconnect()
            world.after(random.uniform(1, 30), worker.connect)


def _lose_broker(world: World, random: Random) -> Heal:
    world.broker.up = False

    def heal() -> None:
        world.broker.up = True
        for queue in world.broker.queues:
            world.broker.dispatch(queue)

    return heal


def _burst(world: World, random: Random) -> None:
    plan = random.choice(world.scenario.fleets)
    for _ in range(random.randint(5, 40)):
        world.load.send(plan)


def _cancel_work(world: World, random: Random) -> Heal:
    """All at once there is nothing to do, and for a while nothing comes."""
    plan = random.choice(world.scenario.fleets)
    world.broker.purge(plan.settings.queues)
    return world.load.silence(plan)


WORKERS = (
    Fault("worker_hangs", "a worker is stopped (SIGSTOP), and goes on", 3, (20, 1500), _hang),
    Fault(
        "worker_catatonic", "a worker answers and consumes nothing", 1, (60, 300), _turn_catatonic
    ),
    Fault("unit_vanishes", "a unit is gone with what ran in it", 2, (0, 0), _kill_unit),
    Fault("worker_restarts", "a worker restarts in its unit", 2, (0, 0), _restart_in_place),
    Fault("nodename_twice", "two workers have one nodename", 1, (30, 300), _twin),
    Fault("broker_restarts", "all connections and pub/sub are lost", 1, (0, 0), _restart_broker),
    Fault("broker_down", "nobody reaches the broker", 1, (5, 90), _lose_broker),
    Fault("burst", "many tasks at once", 3, (0, 0), _burst),
    Fault("work_cancelled", "an operator purges and revokes all", 1, (60, 600), _cancel_work),
    window(
        "late_delivery",
        "a message under way reaches a worker that was told to stop",
        2,
        (60, 600),
        amount=(0.2, 0.8),
    ),
)
