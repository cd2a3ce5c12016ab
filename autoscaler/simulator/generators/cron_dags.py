"""Airflow as it is: DAGs with structures of their own, run by cron on two queues, and backfills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from autoscaler.simulator.generators.draws import DAY, HOUR, lognormal, trace
from autoscaler.simulator.trace import Trace, TraceTask

DAGS = 60
HEAVY_SHARE = 0.2
BACKFILLS_A_DAY = 1.5
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """A task of a DAG: the steps that it waits for, where it runs, and for how long as a rule."""

    name: str
    queue: str
    median: float
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dag:
    """One of them. It runs every so many seconds, from `first` on, on weekdays alone or always."""

    name: str
    steps: tuple[Step, ...]
    every: float
    first: float
    weekdays: bool

    def times(self, seconds: float) -> Iterator[float]:
        """When it runs until then."""
        at = self.first
        while at < seconds:
            if not self.weekdays or int(at // DAY) % 7 < 5:
                yield at
            at += self.every


def cron_dags(seed: int, days: float) -> Trace:
    """Runs by schedule, each a few seconds after its minute, and backfills of some days at once."""
    random = Random(f"cron {seed}")  # noqa: S311 - a simulation
    dags = [_dag(random, number) for number in range(DAGS)]
    runs = [(at + random.uniform(1, 6), dag, "") for dag in dags for at in dag.times(days * DAY)]
    daily = [dag for dag in dags if dag.every == DAY]
    for _ in range(round(BACKFILLS_A_DAY * days)):
        at, dag = random.uniform(0, days * DAY), random.choice(daily or dags)
        runs += [(at + past * 0.1, dag, "backfill.") for past in range(random.randint(3, 14))]
    tasks: list[TraceTask] = []
    for number, (at, dag, prefix) in enumerate(sorted(runs, key=lambda run: run[0])):
        tasks += _run(random, number, at, dag, prefix)
    return trace(f"cron-{seed}", tasks)


def _run(random: Random, number: int, at: float, dag: Dag, prefix: str) -> Iterator[TraceTask]:
    for index, step in enumerate(dag.steps):
        yield TraceTask(
            id=f"{number}-{index}",
            submit=at,
            duration=max(0.5, lognormal(random, step.median, 0.4, 4 * HOUR)),
            queue=step.queue,
            deps=tuple(f"{number}-{before}" for before in step.after),
            key=f"{prefix}{dag.name}.{step.name}",
        )


def _dag(random: Random, number: int) -> Dag:
    every = random.choices((15 * MINUTE, HOUR, 6 * HOUR, DAY), (1, 4, 3, 10))[0]
    minute = random.choice((0, 0, 0, 15, 30, random.randrange(60)))
    hour = int(random.triangular(0, 24, 4)) if every == DAY else 0
    return Dag(
        name=f"dag{number}",
        steps=tuple(_steps(random, widest=40 if every >= 6 * HOUR else 8)),
        every=every,
        first=hour % 24 * HOUR + minute * MINUTE % every,
        weekdays=every == DAY and random.random() < 0.3,
    )


def _steps(random: Random, widest: int) -> Iterator[Step]:
    """Levels of one task or of many, each waiting for all, or for one, of the level before."""
    before: list[int] = []
    made = 0
    for level in range(random.randint(2, 5)):
        width = 1 if level % 2 == 0 else min(widest, int(2 * random.paretovariate(0.9)))
        queue = "heavy" if width > 1 and random.random() < HEAVY_SHARE else "default"
        median = lognormal(random, 45, 1.0, HOUR)
        for index in range(width):
            after = before if width == 1 or len(before) == 1 else [random.choice(before)]
            yield Step(f"level{level}.task{index}", queue, median, tuple(after))
        before = list(range(made, made + width))
        made += width
