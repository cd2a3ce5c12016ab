"""What the simulated Airflow tells of, and when."""

from __future__ import annotations

from autoscaler.interfaces import Context
from autoscaler.model import (
    ActiveRun,
    AirflowState,
    DagStructure,
    DagTask,
    FinishedRun,
    FinishedTask,
    NextRun,
)
from autoscaler.simulator.airflow_side import WorldAirflow
from autoscaler.simulator.celery_side import WorldOptions
from autoscaler.simulator.crew import BEGIN, Rules
from autoscaler.simulator.dag_runs import EXECUTOR
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.world import World
from tests.simulator.traces import dags


class Told:
    """A world of one fleet with two slots, and its Airflow."""

    def __init__(self, trace: Trace) -> None:
        self.world = World(trace, {"default": Rules(slots=2)})
        options = WorldOptions(world=self.world, airflow=True)
        self.source = WorldAirflow(options, Context("airflow"))

    async def at(self, now: float) -> AirflowState:
        self.world.advance(now)
        return await self.source.read(BEGIN + now)


ETL = DagStructure(
    "team.etl",
    {
        "g.a": DagTask("g.a", "default", EXECUTOR),
        "g.b": DagTask("g.b", "default", EXECUTOR, ("g.a",)),
        "g.c": DagTask("g.c", "default", EXECUTOR, ("g.a",)),
    },
)


async def test_the_next_run_and_its_structure_are_known_before_it_is_there() -> None:
    told = Told(dags())
    first = await told.at(15)
    assert first.next_runs == (NextRun("team.etl", BEGIN + 3600),)
    assert first.structures == (ETL,)
    assert first.runs == first.tasks == ()
    late = await told.at(3601)
    assert late.next_runs == (NextRun("team.etl", BEGIN + 3600),)
    assert late.structures == ()


async def test_nothing_is_known_of_a_backfill_before_it_is_there() -> None:
    told = Told(dags())
    before = await told.at(4990)
    assert [run.dag_id for run in before.next_runs] == ["team.etl"]
    assert before.next_runs[0].at == BEGIN + 7200
    after = await told.at(5000)
    assert [(run.dag_id, run.scheduled) for run in after.runs] == [("backfill.etl", False)]
    assert [structure.dag_id for structure in after.structures] == ["backfill.etl"]


async def test_a_run_is_told_while_it_goes_on_and_once_when_it_is_over() -> None:
    told = Told(dags())
    at = BEGIN + 3603.5
    begun = await told.at(3610)
    assert begun.runs == (
        ActiveRun("team.etl", "scheduled__3603.50", at, at, True, {"g.b": 1, "g.c": 1}),
    )
    assert [(task.id, task.state, task.started_at) for task in begun.tasks] == [
        ("0a", "running", at)
    ]
    assert begun.queues["default", EXECUTOR].running == 1
    [on] = (await told.at(3670)).runs
    assert on.pending == {}
    over = await told.at(3700)
    assert over.runs == over.tasks == ()
    later = tuple(FinishedTask("default", EXECUTOR, at + 62, 30, f"g.{n}") for n in "bc")
    first = FinishedTask("default", EXECUTOR, at, 60, "g.a")
    assert over.finished_runs == (
        FinishedRun("team.etl", "scheduled__3603.50", at, (first, *later)),
    )
    assert (await told.at(3715)).finished_runs == ()


async def test_what_waits_is_queued_and_the_same_record_until_something_changes() -> None:
    tasks = tuple(TraceTask(str(n), 0, 100, "default", (), "x") for n in range(4))
    told = Told(Trace("waiting", tasks))
    one, two = await told.at(15), await told.at(30)
    queue = two.queues["default", EXECUTOR]
    assert (queue.queued, queue.running, queue.oldest_queued_at) == (2, 2, BEGIN)
    assert all(a is b for a, b in zip(one.tasks, two.tasks, strict=True))
    assert one.runs[0] is two.runs[0]
    assert one.runs[0].dag_id == "x"


async def test_a_structure_is_told_again_when_the_dag_has_changed() -> None:
    rows = [(0.0, "a"), (3600.0, "a"), (7200.0, "b")]
    tasks = [TraceTask(str(n), at, 1, "default", (), f"d.g.{t}") for n, (at, t) in enumerate(rows)]
    told = Told(Trace("changes", tuple(tasks)))
    structures = [(await told.at(at)).structures for at in (0, 3600, 7200)]
    assert [[*s.tasks] for each in structures for s in each] == [["g.a"], ["g.b"]]


async def test_tasks_of_one_name_are_one_task_of_the_structure() -> None:
    """As mapped tasks are; what a run waits for in another run is not in its structure."""
    tasks = (
        TraceTask("1", 0, 1, "default", (), "d.g.map"),
        TraceTask("2", 0, 1, "default", ("1",), "d.g.map"),
        TraceTask("3", 0, 1, "default", ("1", "2"), "d.g.end"),
        TraceTask("4", 9, 1, "default", ("3",), "d.g.map"),
    )
    told = Told(Trace("mapped", tasks))
    [structure] = (await told.at(0)).structures
    assert {task.task_id: task.upstream for task in structure.tasks.values()} == {
        "g.map": (),
        "g.end": ("g.map",),
    }
    [run] = (await told.at(0)).runs
    assert run.pending == {"g.map": 1, "g.end": 1}
