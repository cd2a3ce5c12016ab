"""A controller over a fake world, in counted time."""

from __future__ import annotations

from autoscaler.config import Config
from autoscaler.controller import Controller
from tests.records import NOW


def config(tmp_path, **changes):
    plugin = {"world": "w"}
    fleet = {
        "name": "default",
        "queues": ["default"],
        "slots_per_replica": 4,
        "max_replicas": 5,
        "target": {"kind": "tests.fakes:FakeTarget", **plugin},
        "behavior": {
            "scale_up": {"stabilization_window_seconds": 0},
            "scale_down": {"stabilization_window_seconds": 0},
        },
        **changes.pop("fleet", {}),
    }
    return Config.model_validate(
        {
            "state_directory": str(tmp_path),
            "sources": {
                "broker": {"kind": "tests.fakes:FakeBroker", **plugin},
                "workers": {"kind": "tests.fakes:FakeWorkers", **plugin},
            },
            "fleets": [fleet],
            **changes,
        }
    )


class Ticks:
    """A controller and counted time: five seconds a tick."""

    def __init__(self, made, **options):
        self.controller = Controller(made, **options)
        self.now = NOW

    async def run(self, number=1):
        for _ in range(number):
            tick = await self.controller.tick(self.now)
            self.now += 5
        return tick.fleets["default"]


def kinds(turn):
    return [outcome.action.kind for outcome in turn.outcomes]
