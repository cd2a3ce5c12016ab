-- Gives the user of `airflow_database` what it reads of Airflow 2.11 or 3, and nothing else: no
-- connections, variables, XComs, arguments or logs. Run it as a user who may grant, in Airflow's
-- database, and again after each upgrade of Airflow; --force goes on where a version has not all:
--
--   mysql --force airflow < config/airflow-grants-mysql.sql
--
-- Before the first time: CREATE USER autoscaler IDENTIFIED BY '...' WITH MAX_USER_CONNECTIONS 5;

GRANT SELECT (version_num) ON alembic_version TO autoscaler;
GRANT SELECT (dag_id, has_import_errors, is_paused, last_parsed_time, max_active_tasks,
        next_dagrun_create_after) ON dag TO autoscaler;
GRANT SELECT (dag_id, id, queued_at, run_id, run_type, start_date, state) ON dag_run TO autoscaler;
GRANT SELECT (id) ON import_error TO autoscaler;
GRANT SELECT (hostname, id, job_type, latest_heartbeat, state) ON job TO autoscaler;
GRANT SELECT (include_deferred, pool, slots) ON slot_pool TO autoscaler;
GRANT SELECT (dag_id, executor, external_executor_id, hostname, map_index, pool, pool_slots,
        priority_weight, queue, queued_dttm, run_id, start_date, state, task_id, updated_at)
    ON task_instance TO autoscaler;
GRANT SELECT (id, triggerer_id) ON `trigger` TO autoscaler;

-- Airflow 2
GRANT SELECT (is_active) ON dag TO autoscaler;
GRANT SELECT (execution_date) ON dag_run TO autoscaler;
GRANT SELECT (job_id) ON task_instance TO autoscaler;

-- Airflow 3
GRANT SELECT (is_stale) ON dag TO autoscaler;
GRANT SELECT (exceeds_max_non_backfill) ON dag TO autoscaler;
GRANT SELECT (logical_date) ON dag_run TO autoscaler;
GRANT SELECT (last_heartbeat_at, scheduled_dttm) ON task_instance TO autoscaler;
GRANT SELECT (data, state, type) ON callback TO autoscaler;
GRANT SELECT (executor, queue, state) ON connection_test_request TO autoscaler;
GRANT SELECT (queue) ON `trigger` TO autoscaler;
