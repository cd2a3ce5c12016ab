"""A PgBouncer of Debian's package in transaction mode, for tests marked `full`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.postgres import NOBODY, PASSWORD, USER, PostgresServer
from tests.servers import CERTIFICATE, Process, eventually, free_port

CONFIG = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = 2
client_tls_sslmode = allow
client_tls_cert_file = {certificate}
client_tls_key_file = {certificate}
"""


class PgBouncer(Process):
    """One PgBouncer before a PostgreSQL, with two connections to each database of it."""

    def __init__(self, server: PostgresServer, directory: Path) -> None:
        self.port = free_port()
        self._server = server
        certificate = directory / "server.pem"
        shutil.copy(CERTIFICATE, certificate)
        (directory / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
        (directory / "pgbouncer.ini").write_text(
            CONFIG.format(
                server_port=server.port,
                port=self.port,
                directory=directory,
                certificate=certificate,
            )
        )
        if os.getuid() == 0:
            for path in (directory, *directory.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        command = ["/usr/sbin/pgbouncer", *user, str(directory / "pgbouncer.ini")]
        super().__init__(command, directory / "log")

    def through(self, url: str, host: str = "127.0.0.1") -> str:
        """The URL of a database of the server, by way of this one."""
        return url.replace(f"127.0.0.1:{self._server.port}", f"{host}:{self.port}")


@contextlib.asynccontextmanager
async def pgbouncer(server: PostgresServer) -> AsyncIterator[PgBouncer]:
    """A running PgBouncer before the server."""
    directory = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    bouncer = PgBouncer(server, directory)
    try:
        await bouncer.launch()
        await eventually(lambda: "process up" in bouncer.output, "PgBouncer")
        yield bouncer
    finally:
        await bouncer.kill()
        shutil.rmtree(directory, ignore_errors=True)
