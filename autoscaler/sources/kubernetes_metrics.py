"""Source of what pods use: CPU and memory of each container, from metrics.k8s.io."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.pod_metrics import read_metrics
from autoscaler.clients.kubernetes.sharing import Lease
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import SampleState


class KubernetesMetricsOptions(Options):
    """Whose CPU and memory."""

    namespace: str = Field(min_length=1, description="where the pods are")
    selector: str = Field(default="", description="labels of the pods; else all of the namespace")
    kubeconfig: Path | None = Field(
        default=None, description="how to log in from outside; else by the pod's service account"
    )
    context: str | None = Field(default=None, description="of the kubeconfig; else its current one")
    timeout_seconds: float = Field(
        default=4, gt=0, le=60, description="how long one request to the API server may take"
    )
    poll_seconds: float = Field(
        default=15, ge=0, le=60, description="how long an answer serves; metrics-server's own pace"
    )
    max_age_seconds: float = Field(
        default=120, gt=0, description="age beyond which a pod's usage counts as unknown"
    )


class KubernetesMetrics(Source[KubernetesMetricsOptions]):
    """Samples `cpu` (cores) and `memory` (bytes), by namespace, pod and container."""

    options_type = KubernetesMetricsOptions

    def __init__(self, options: KubernetesMetricsOptions, context: Context) -> None:
        super().__init__(options, context)
        self._login = Login(options.kubeconfig, options.context)
        self._lease: Lease | None = None
        self._last: SampleState | None = None

    async def aclose(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.aclose()

    async def read(self, now: float) -> SampleState:
        if self._last is not None and 0 <= now - self._last.at < self.options.poll_seconds:
            return self._last
        self._last = None
        if self._lease is None:
            self._lease = Lease(self._login, self.options.timeout_seconds)
        try:
            samples = await read_metrics(
                self._lease.connection, self.options.namespace, self.options.selector
            )
        except ApiError as error:
            raise SourceError(str(error)) from error
        oldest = now - self.options.max_age_seconds
        fresh = tuple(sample for sample in samples if sample.at >= oldest)
        stale = {sample.name for sample in samples} - {sample.name for sample in fresh}
        why = f"nothing newer than {self.options.max_age_seconds:g} s: is metrics-server well?"
        unreadable = dict.fromkeys(sorted(stale), why)
        self._last = SampleState(now, fresh, unreadable)
        return self._last
