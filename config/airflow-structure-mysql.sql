-- Optional, beside the grants: lets `airflow_database` know which task of a DAG waits for which, so
-- that what follows is foreseen task by task. Only the view is readable: the serialized DAGs, which
-- hold arguments, stay closed. Run it as a user who may create views and grant, in Airflow's
-- database (MySQL 8, MariaDB 10.6 or newer):
--
--   mysql airflow < config/airflow-structure-mysql.sql
--
-- With `[core] compress_serialized_dags` the view is empty, and DAGs are foreseen by their last runs.

CREATE OR REPLACE VIEW autoscaler_dag_task AS
SELECT
    latest.dag_id,
    told.task_id,
    COALESCE(told.mapped_queue, told.queue) AS queue,
    COALESCE(told.mapped_executor, told.executor) AS executor,
    COALESCE(told.is_empty = 'true' OR told.is_empty = '1', 0) AS takes_no_slot,
    COALESCE(
        JSON_EXTRACT(latest.data, CONCAT('$.dag.tasks[', told.place - 1, '].__var.downstream_task_ids.__var')),
        JSON_EXTRACT(latest.data, CONCAT('$.dag.tasks[', told.place - 1, '].__var.downstream_task_ids'))
    ) AS downstream
FROM serialized_dag AS latest
JOIN JSON_TABLE(
    latest.data,
    '$.dag.tasks[*]' COLUMNS (
        place FOR ORDINALITY,
        task_id VARCHAR(250) PATH '$.__var.task_id',
        queue VARCHAR(256) PATH '$.__var.queue',
        mapped_queue VARCHAR(256) PATH '$.__var.partial_kwargs.queue',
        executor VARCHAR(1000) PATH '$.__var.executor',
        mapped_executor VARCHAR(1000) PATH '$.__var.partial_kwargs.executor',
        is_empty VARCHAR(5) PATH '$.__var._is_empty'
    )
) AS told
WHERE latest.last_updated = (
    SELECT MAX(other.last_updated) FROM serialized_dag AS other WHERE other.dag_id = latest.dag_id
);

GRANT SELECT ON autoscaler_dag_task TO autoscaler;
