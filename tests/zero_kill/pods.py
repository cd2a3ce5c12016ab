"""Pods with a real Celery worker in each, ended as a kubelet ends them: SIGTERM, grace, SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.clients.kubernetes.controllers import NAMESPACE
from tests.clients.kubernetes.objects import Item
from tests.clients.kubernetes.server import Cluster, cluster
from tests.servers import TESTS, eventually, valkey
from tests.zero_kill.rig import Load, Rig


class Kubelet:
    """Runs the one container of each pod. killed: whose grace was over before it ended."""

    def __init__(
        self, cluster: Cluster, command: list[str], env: dict[str, str], grace: float
    ) -> None:
        self.killed: list[str] = []
        self._cluster = cluster
        self._command = command
        self._env = env
        self._grace = grace
        self._workers: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        cluster.controllers.start = lambda pod: self._do(self._start(pod["metadata"]["name"]))
        cluster.controllers.stop = lambda pod: self._do(self._stop(pod["metadata"]["name"]))

    def running(self) -> dict[str, int]:
        """Pod -> process id of the workers that run."""
        return {n: p.pid for n, p in self._workers.items() if p.returncode is None}

    async def close(self) -> None:
        """Kill everything, what is only just being started included."""
        self._kill_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kill_all()
        await asyncio.gather(*(process.wait() for process in self._workers.values()))

    def _kill_all(self) -> None:
        for process in self._workers.values():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, name: str) -> None:
        command = [part.replace("{pod}", name) for part in self._command]
        self._workers[name] = await asyncio.create_subprocess_exec(
            *command,
            cwd=TESTS.parent,
            env={**os.environ, **self._env},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._cluster.controllers.runs(name)

    async def _stop(self, name: str) -> None:
        process = self._workers[name]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._grace):
                await process.wait()
        except TimeoutError:
            self.killed.append(name)
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        self._cluster.controllers.gone(name)


class PodRig(Rig):
    """The rig, its fleet a Deployment."""

    def __init__(
        self, directory: Path, urls: tuple[str, str], load: Load, cluster: Cluster, grace: float
    ) -> None:
        self.cluster = cluster
        super().__init__(directory, *urls, load)
        command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
        command += ["--hostname", "celery@{pod}", "--queues", "default,high"]
        command += ["--concurrency", str(load.slots)]
        self.kubelet = Kubelet(cluster, command, self.worker_environment(), grace)

    def _target(self) -> dict[str, object]:
        config = str(self.cluster.kubeconfig(self._directory))
        return {
            "kind": "kubernetes",
            "namespace": NAMESPACE,
            "deployment": "worker",
            "kubeconfig": config,
        }

    def units(self) -> dict[str, int]:
        """Pod -> process id of the workers that run."""
        return self.kubelet.running()

    def draining(self) -> list[str]:
        pods = self.cluster.controllers.live("worker")
        return [p["metadata"]["name"] for p in pods if _drains(p)]

    async def close(self) -> None:
        await self.daemon.kill()
        self.cluster.controllers.asleep = True
        await self.kubelet.close()


def _drains(pod: Item) -> bool:
    return "autoscaler/drain" in (pod["metadata"].get("annotations") or {})


@contextlib.asynccontextmanager
async def running_pods(
    directory: Path, load: Load, grace: float, *, daemon: bool = True
) -> AsyncIterator[PodRig]:
    """As many pods as the load says, ready; with a daemon over them, or with nobody."""
    async with valkey() as broker, valkey() as ledger, cluster() as made:
        rig = PodRig(directory, (broker.url, ledger.url), load, made, grace)
        try:
            made.workload("deployments", load.workers)
            if daemon:
                await rig.hold(load.workers)
                await rig.daemon.launch()
                await rig.until("ready_replicas", load.workers, 120)
            else:
                await eventually(lambda: len(rig.units()) == load.workers, "the pods", 60)
            yield rig
        except BaseException:
            sys.stderr.write(rig.daemon.output[-6000:])
            raise
        finally:
            await rig.close()
