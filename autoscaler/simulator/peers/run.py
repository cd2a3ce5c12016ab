"""Runs a rival over the simulated world: it gives a number, and its platform does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autoscaler.simulator.crew import Worker
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.peers.view import Leaving, Peer, View
from autoscaler.simulator.world import World

TICK_SECONDS = 15.0


def run(
    peers: Mapping[str, Peer],
    world: World,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Measures:
    """What comes of the world's trace where each fleet, by its name, is scaled by its peer."""
    ticks = int(world.end // TICK_SECONDS)
    names = _Names()
    for number in range(ticks + 1):
        world.advance(number * TICK_SECONDS)
        for fleet, peer in peers.items():
            _tick(world, fleet, peer, names)
        if number % 1000 == 0:
            progress(number / max(1, ticks))
    progress(1.0)
    return world.result()


class _Names:
    """Names that no worker had before."""

    def __init__(self) -> None:
        self._launched = 0

    def next(self, fleet: str) -> str:
        self._launched += 1
        return f"{fleet}-new-{self._launched}"


def _tick(world: World, fleet: str, peer: Peer, names: _Names) -> None:
    workers = list(world.workers(fleet).values())
    staying = [worker for worker in workers if not worker.draining]
    wanted = peer.replicas(_view(world, fleet, workers, staying))
    if wanted < len(staying):
        for worker in _victims(peer, staying)[: len(staying) - wanted]:
            if peer.leaving is Leaving.KILLED:
                world.stop(fleet, worker.name, peer.grace_seconds)
            else:
                world.drain(fleet, worker.name)
        return
    lacking = wanted - len(staying)
    if peer.resumes and lacking:
        leaving = sorted((w for w in workers if w.draining), key=lambda w: -w.busy)
        for worker in leaving[:lacking]:
            world.resume(fleet, worker.name)
            lacking -= 1
    for _ in range(lacking):
        world.launch(fleet, names.next(fleet))


def _view(world: World, fleet: str, workers: list[Worker], staying: list[Worker]) -> View:
    ready = [worker for worker in staying if worker.ready]
    return View(
        now=world.now,
        current=len(staying),
        ready=len(ready),
        busy=sum(len(worker.running) for worker in workers),
        busy_ready=sum(len(worker.running) for worker in ready),
        queued=len(world.waiting(fleet)),
    )


def _victims(peer: Peer, staying: list[Worker]) -> list[Worker]:
    """Who leaves first: pods that are not ready yet, then the newest, as a ReplicaSet has it."""
    order = sorted(staying, key=lambda worker: (worker.ready, -worker.launched_at))
    if peer.resumes:
        return sorted(order, key=lambda worker: worker.busy)
    return order
