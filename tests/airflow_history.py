"""A long history in the tables of tests.airflow_tables on PostgreSQL, written within seconds."""

from __future__ import annotations

from tests.airflow_tables import Airflow

DAGS = 200
TASKS_OF_A_RUN = 20
ACTIVE = {"scheduled": 2_000, "queued": 1_000, "running": 900, "deferred": 100}


STATEMENTS = """
INSERT INTO dag (dag_id, is_paused, max_active_tasks, has_import_errors, next_dagrun_create_after,
    last_parsed_time {dag_columns})
SELECT 'dag' || i, false, 64, false, now() + i * interval '1 minute', now() {dag_values}
FROM generate_series(1, {dags}) i;

INSERT INTO dag_run (dag_id, run_id, state, run_type, {date})
SELECT 'dag' || 1 + i % {dags}, 'run' || i, 'success', 'scheduled', now() - i * interval '1 second'
FROM generate_series(1, {runs}) i;

INSERT INTO dag_run (dag_id, run_id, state, run_type, queued_at, start_date, {date})
SELECT 'dag' || i, 'now', 'running', 'scheduled', now(), now(), now()
FROM generate_series(1, {dags}) i;

INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, hostname, {task_columns},
    {times})
SELECT 'dag' || 1 + i % {dags}, 'run' || i, 'task' || t, -1, 'success', 'worker', {task_values},
    {past}
FROM generate_series(1, {runs}) i, generate_series(1, {tasks_of_a_run}) t;

INSERT INTO job (state, job_type, latest_heartbeat, hostname)
SELECT 'success', (ARRAY['SchedulerJob', 'TriggererJob', 'LocalTaskJob'])[1 + i % 3],
    now() - i * interval '1 second', 'host'
FROM generate_series(1, {runs}) i;

INSERT INTO job (state, job_type, latest_heartbeat, hostname)
SELECT 'running', CASE WHEN i < 4 THEN 'SchedulerJob' ELSE 'LocalTaskJob' END, now(), 'host'
FROM generate_series(1, 900) i;

INSERT INTO trigger (id, triggerer_id) SELECT i, i % 3 FROM generate_series(1, 100) i
"""
ACTIVE_TASKS = """
INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, hostname,
    external_executor_id, {task_columns} {job_column})
SELECT 'dag' || 1 + i % {dags}, 'now', '{state}', i, '{state}', 'worker', 'id-{state}-' || i,
    {task_values} {job_value}
FROM generate_series(1, {number}) i
"""


async def remember(airflow: Airflow, task_instances: int = 1_000_000) -> None:
    """So many task instances that are over, 4,000 that are not, and what belongs to them.

    The active ones are mapped tasks of one running run of each DAG.
    """
    three = airflow.major == 3
    since = "scheduled_dttm" if three else "updated_at"
    words = {
        "dags": DAGS,
        "runs": task_instances // TASKS_OF_A_RUN,
        "tasks_of_a_run": TASKS_OF_A_RUN,
        "date": "logical_date" if three else "execution_date",
        "dag_columns": ", is_stale, exceeds_max_non_backfill" if three else ", is_active",
        "dag_values": ", false, false" if three else ", true",
        "task_columns": f"pool, pool_slots, priority_weight, queue, queued_dttm, {since}",
        "task_values": "'default_pool', 1, 1, 'default', now(), now()",
        "job_column": "" if three else ", job_id",
        "job_value": "" if three else ", i",
        "times": "start_date, updated_at" if three else "start_date",
        "past": "now(), now() + interval '1 minute'" if three else "now()",
    }
    statements = STATEMENTS.split(";")
    statements += [
        ACTIVE_TASKS.replace("{state}", state).replace("{number}", str(number))
        for state, number in ACTIVE.items()
    ]
    for statement in (*statements, "ANALYZE"):
        await airflow.execute(statement.format(**words))
