"""Pods with a real Celery worker in each, ended as a kubelet ends them: SIGTERM, grace, SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.kubernetes.cluster import NAMESPACE, Cluster, cluster
from tests.kubernetes.kinds import Item
from tests.servers import TESTS, eventually, valkey
from tests.zero_kill.rig import Load, Rig


class Worker:
    """One container: a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int | None:
        """Its main process, while it runs."""
        return self._process.pid if self._process.returncode is None else None

    async def ready(self) -> None:
        """There is no probe."""

    async def ended(self) -> int:
        return await self._process.wait()

    def terminate(self) -> None:
        if self.pid is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class Workers:
    """Starts one for each pod. command: with {pod} for its name."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.by_pod: dict[str, Worker] = {}
        self._command = command
        self._env = env

    async def start(self, pod: Item) -> Worker:
        name = pod["metadata"]["name"]
        process = await asyncio.create_subprocess_exec(
            *(part.replace("{pod}", name) for part in self._command),
            cwd=TESTS.parent,
            env={**os.environ, **self._env},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self.by_pod[name] = Worker(process)
        return self.by_pod[name]


class PodRig(Rig):
    """The rig, its fleet a Deployment."""

    def __init__(
        self, directory: Path, urls: tuple[str, str], load: Load, cluster: Cluster
    ) -> None:
        self.cluster = cluster
        directory.mkdir()
        super().__init__(directory, *urls, load)
        command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
        command += ["--hostname", "celery@{pod}", "--queues", "default,high"]
        command += ["--concurrency", str(load.slots)]
        self.workers = Workers(command, self.worker_environment())
        cluster.kubelet.runner = self.workers

    def _target(self) -> dict[str, object]:
        return {
            "kind": "kubernetes",
            "namespace": NAMESPACE,
            "deployment": "worker",
            "kubeconfig": str(self.cluster.kubeconfig(self._directory)),
        }

    def units(self) -> dict[str, int]:
        """Pod -> process id of the workers that run."""
        return {name: w.pid for name, w in self.workers.by_pod.items() if w.pid is not None}

    async def close(self) -> None:
        """End the daemon; the workers end with their cluster."""
        await self.daemon.kill()


@contextlib.asynccontextmanager
async def running_pods(
    directory: Path, load: Load, grace: int, *, daemon: bool = True
) -> AsyncIterator[PodRig]:
    """As many pods as the load says, ready; with a daemon over them, or with nobody."""
    async with valkey() as broker, valkey() as ledger, cluster() as made:
        rig = PodRig(directory, (broker.url, ledger.url), load, made)
        try:
            made.deployment("worker", load.workers, grace=grace)
            if daemon:
                await rig.hold(load.workers)
                await rig.daemon.launch()
                await rig.until("ready_replicas", load.workers, 120)
            else:
                await eventually(_all_run(rig), "the pods", 60)
            yield rig
        except BaseException:
            sys.stderr.write(rig.daemon.output[-6000:])
            raise
        finally:
            await rig.close()


def _all_run(rig: PodRig) -> Callable[[], bool]:
    return lambda: len(rig.units()) == rig.load.workers
