"""Airflow's metadata database: how to reach it, what it holds, what is asked of it."""

from importlib.util import find_spec

for _library in ("sqlalchemy", "asyncpg", "aiomysql"):
    if find_spec(_library) is None:
        raise ImportError(f"{_library} is missing: pip install 'autoscaler[airflow]'")
