"""Real Airflow 3 and 2 with CeleryExecutor, its workers started and drained by a real daemon."""
