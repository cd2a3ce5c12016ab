"""Many short requests whose rate follows the day, with quieter weekends: the smooth class."""

from __future__ import annotations

from random import Random

from autoscaler.simulator.generators.draws import DAY, arrivals, by_day, lognormal, trace
from autoscaler.simulator.trace import Trace, TraceTask

KINDS = 6
WEEKEND = 0.6


def smooth(seed: int, days: float) -> Trace:
    """Tasks of half a minute, ten to thirty thousand a day."""
    random = Random(f"smooth {seed}")  # noqa: S311 - a simulation
    peak, low = random.uniform(11, 20), random.uniform(0.05, 0.3)
    highest = random.uniform(0.25, 0.6)
    medians = [lognormal(random, 15, 0.7) for _ in range(KINDS)]

    def rate(at: float) -> float:
        weekend = WEEKEND if int(at // DAY) % 7 >= 5 else 1.0
        return highest * weekend * by_day(at, low, peak)

    tasks = []
    for number, at in enumerate(arrivals(random, days * DAY, rate, highest)):
        kind = random.randrange(KINDS)
        lasts = lognormal(random, medians[kind], 0.8, 600)
        tasks.append(TraceTask(str(number), at, lasts, "default", (), f"requests.kind{kind}"))
    return trace(f"smooth-{seed}", tasks)
