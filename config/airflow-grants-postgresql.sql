-- Gives the user of `airflow_database` what it reads of Airflow 2.11 or 3, and nothing else: no
-- connections, variables, XComs, arguments or logs. Run it as the owner of Airflow's tables, in
-- Airflow's database, and again after each upgrade of Airflow:
--
--   psql -d airflow -f config/airflow-grants-postgresql.sql
--
-- Before the first time: CREATE ROLE autoscaler LOGIN PASSWORD '...' CONNECTION LIMIT 5;
-- Are Airflow's tables not in `public`? Then first: SET search_path = their_schema;

DO $$
DECLARE
    wanted record;
    readable text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO autoscaler', current_schema());
    FOR wanted IN SELECT * FROM (VALUES
        ('alembic_version', 'version_num'),
        ('callback', 'data state type'),
        ('connection_test_request', 'executor queue state'),
        ('dag', 'dag_id exceeds_max_non_backfill has_import_errors is_active is_paused is_stale'
            ' last_parsed_time max_active_tasks next_dagrun_create_after'),
        ('dag_run', 'dag_id execution_date id logical_date queued_at run_id run_type start_date'
            ' state'),
        ('import_error', 'id'),
        ('job', 'hostname id job_type latest_heartbeat state'),
        ('slot_pool', 'include_deferred pool slots'),
        ('task_instance', 'dag_id executor external_executor_id hostname job_id last_heartbeat_at'
            ' map_index pool pool_slots priority_weight queue queued_dttm run_id scheduled_dttm'
            ' start_date state task_id updated_at'),
        ('trigger', 'id queue triggerer_id')
    ) AS tables (name, columns)
    LOOP
        -- Of each table those columns that this version of Airflow has.
        SELECT string_agg(quote_ident(attname), ', ') INTO readable
        FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident(wanted.name))
            AND attname = ANY (string_to_array(wanted.columns, ' '))
            AND NOT attisdropped;
        IF readable IS NOT NULL THEN
            EXECUTE format('GRANT SELECT (%s) ON %I TO autoscaler', readable, wanted.name);
        END IF;
    END LOOP;
END
$$;
