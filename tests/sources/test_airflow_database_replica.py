"""Source `airflow_database` on a read replica: good while it keeps up."""

import pytest

from tests.postgres import postgres_server
from tests.servers import eventually
from tests.sources.airflow_scene import DEFAULT, NOW, airflow_on, reading, refused

pytestmark = pytest.mark.full


async def test_a_replica_that_keeps_up_lags_and_takes_over():
    with postgres_server() as primary:
        async with airflow_on(primary) as airflow:
            await airflow.tasks("queued")
            with postgres_server(primary) as replica:
                url = airflow.url.replace(f":{primary.port}/", f":{replica.port}/")
                async with reading(url, max_lag_seconds=5) as source:
                    await follows_and_lags(airflow, replica, source)
                    replica.execute("SELECT pg_wal_replay_resume()")
                    replica.promote()
                    state = await source.read(NOW)
    assert state.replica_lag_seconds is None, "though it once followed"


async def follows_and_lags(airflow, replica, source):
    seen = []

    async def kept_up():
        await airflow.tasks("queued", task_id=f"t{len(seen)}")
        seen.append(replica.execute("SELECT pg_last_xact_replay_timestamp()").strip())
        return seen[-1]

    assert "nobody knows how far behind" in await refused(source)
    await eventually(kept_up, "a first transaction on the replica")
    state = await source.read(NOW)
    assert state.queues[DEFAULT].queued >= 1
    assert 0 <= state.replica_lag_seconds < 5
    assert not state.read_only
    replica.execute("SELECT pg_wal_replay_pause()")
    async with reading(airflow.url) as primary:
        assert (await primary.read(NOW)).replica_lag_seconds is None
    async with reading(str(source.options.url.reveal()), max_lag_seconds=0) as strict:
        assert "point `url` at the primary" in await refused(strict)
