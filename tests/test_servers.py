"""The starters of real servers themselves: they start, restart with their data, and end."""

from tests.celery_app import app
from tests.servers import celery_worker, eventually, tls_front, valkey


async def test_valkey_keeps_its_data_over_a_kill_when_it_persists():
    async with valkey(persist=True, password="s3cret/pass") as server:
        async with server.client() as client:
            await client.set("kept", "yes")
            await client.waitaof(1, 0, 2000)
        await server.kill()
        await server.start()
        async with server.client() as client:
            assert await client.get("kept") == b"yes"
    assert not server.running


async def test_a_worker_runs_a_nap_and_the_ledger_has_it():
    async with valkey() as server, celery_worker(server.url) as worker:
        with app.connection_for_write(server.url) as connection:
            app.send_task("nap", (0.01,), connection=connection, queue="default")
        async with server.client() as client:
            await eventually(lambda: client.llen("ledger:finished"))
        assert worker.running
        assert await worker.terminate() == 0


async def test_tls_front_hides_a_plain_server():
    async with valkey() as server, tls_front(server.port) as port:
        assert port != server.port
