"""How the Airflow of a test is configured: by environment variables alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parents[1]
JWT_SECRET = "jwt-secret-never-shown-" + "x" * 48
FERNET_KEY = "Z2VybmV0LWtleS1uZXZlci1zaG93bi0xMjM0NTY3ODk="
QUIET = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "False",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUNBUFFERED": "1",
}
# The options that moved to another section or name in 3 stand here under both.
FRUGAL = {
    "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR": "True",
    "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__WEBSERVER__WORKERS": "1",
}


def home_of(version: str) -> Path:
    """The virtual environment of Airflow 3 or 2, as `make test-airflow` installs it."""
    return Path(sys.prefix) / f"airflow-{version}"


def environment(
    version: str, home: Path, *, database: str, broker: str, api_port: int
) -> Mapping[str, str]:
    """Variables of every Airflow process, workers included. database: postgresql://..."""
    api = f"http://127.0.0.1:{api_port}"
    return {
        **QUIET,
        **FRUGAL,
        "PATH": f"{home_of(version) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__DAGS_FOLDER": str(TESTS / "dags"),
        "AIRFLOW__CORE__PARALLELISM": "32",
        "AIRFLOW__CORE__FERNET_KEY": FERNET_KEY,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": JWT_SECRET,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(api_port),
        "AIRFLOW__WEBSERVER__BASE_URL": api,
        "AIRFLOW__WEBSERVER__SECRET_KEY": JWT_SECRET,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("://", "+psycopg2://", 1),
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__BROKER_URL": broker,
    }
