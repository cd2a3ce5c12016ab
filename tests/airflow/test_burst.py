"""60 mapped tasks at once: workers are added, the work is done, and nobody's task is killed."""

from __future__ import annotations

import pytest

from tests.airflow.scaled import FleetPlan, Scaled, scaled
from tests.airflow.settings import FERNET_KEY, JWT_SECRET
from tests.airflow.stack import BROKER_PASSWORD, READER_PASSWORD
from tests.end_to_end.test_secrets import ROUTES
from tests.postgres import PASSWORD
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

TASKS = 60
TOKEN = "eyJ"  # how every JWT begins: {" in base64
SECRETS = (
    PASSWORD,
    READER_PASSWORD,
    BROKER_PASSWORD,
    JWT_SECRET,
    FERNET_KEY,
    TOKEN,
    "argument-never-shown",
)


async def test_a_burst_is_worked_off_and_the_workers_leave_without_a_loss(stack, tmp_path):
    """Some tasks, of Python and of Bash, run on while their workers are drained.

    The daemon is killed in the midst of it, and another takes over.
    """

    async def finished():
        outcome = await stack.outcome("burst")
        return sum(outcome.states.values()) == TASKS and not outcome.unfinished

    async with scaled(stack, tmp_path, FleetPlan(most=3, slots=8)) as rig:
        await stack.unpause("burst")
        await stack.trigger("secret")
        await rig.until(ready=3)
        before = rig.units()
        await eventually(rig.leaving_at_work, "a drained worker with tasks", 120, 0.2)
        long_ones = await stack.rows(
            "select task_id from task_instance where state = 'running' and dag_id = 'burst'"
        )
        await rig.kill()
        await rig.launch()
        await eventually(finished, "the end of the burst", 180, 1)
        await rig.until_units(0)
        assert {row["task_id"] for row in long_ones} == {"nap", "bash_nap"}
        assert len(before) == 3
        outcome = await stack.outcome("burst")
        assert outcome.states == {"success": TASKS}
        assert outcome.tried_again == 0
        assert await leaks(rig) == []


async def leaks(rig: Scaled) -> list[str]:
    """What is secret and stands in anything that the daemon told or wrote, workers' logs apart."""
    told = {route: await rig.text(route) for route in ROUTES}
    files = [path for path in rig.log.parent.rglob("*") if path.is_file()]
    for path in files:
        if path.parent.parent.name != "units" or path.suffix != ".log":
            told[str(path)] = path.read_bytes().decode(errors="replace")
    assert {"daemon.log", "journal.db"} <= {path.name for path in files}
    return [f"{s} in {where}" for where, text in told.items() for s in SECRETS if s in text]
