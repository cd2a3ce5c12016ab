-- Optional, beside the grants: lets `airflow_database` know which task of a DAG waits for which, so
-- that what follows is foreseen task by task. Only the view is readable: the serialized DAGs, which
-- hold arguments, stay closed. Run it as the owner of Airflow's tables, in Airflow's database:
--
--   psql -d airflow -f config/airflow-structure-postgresql.sql
--
-- With `[core] compress_serialized_dags` the view is empty, and DAGs are foreseen by their last runs.

CREATE OR REPLACE VIEW autoscaler_dag_task AS
SELECT
    latest.dag_id,
    task.told ->> 'task_id' AS task_id,
    COALESCE(task.told -> 'partial_kwargs' ->> 'queue', task.told ->> 'queue') AS queue,
    COALESCE(task.told -> 'partial_kwargs' ->> 'executor', task.told ->> 'executor') AS executor,
    COALESCE((task.told ->> '_is_empty')::boolean, false) AS takes_no_slot,
    CAST(
        COALESCE(
            task.told -> 'downstream_task_ids' -> '__var', task.told -> 'downstream_task_ids'
        ) AS text
    ) AS downstream
FROM (
    SELECT DISTINCT ON (dag_id) dag_id, CAST(data AS jsonb) AS data
    FROM serialized_dag
    ORDER BY dag_id, last_updated DESC
) AS latest
CROSS JOIN LATERAL jsonb_array_elements(latest.data -> 'dag' -> 'tasks') AS element
CROSS JOIN LATERAL (SELECT COALESCE(element.value -> '__var', element.value) AS told) AS task;

GRANT SELECT ON autoscaler_dag_task TO autoscaler;
