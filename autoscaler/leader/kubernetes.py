"""The lease as Kubernetes has it: a coordination.k8s.io/v1 Lease, replaced by resourceVersion."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
from pydantic import Field

from autoscaler.errors import LeaseError
from autoscaler.interfaces import Context
from autoscaler.leader.election import LeaseElection
from autoscaler.leader.lease import Found, Lease, LeaseOptions
from autoscaler.secret import redact

OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOT_FOUND, CONFLICT = 404, 409
MEANINGS: Final = {
    401: "it does not know our token: was it revoked, or the service account deleted?",
    403: "we may not: let the service account get, create and update leases.coordination.k8s.io",
    404: "there is no such namespace: see `namespace`",
    422: "it refuses this lease, as another program may use the same: choose another `name`",
    429: "it has too much to do",
}


class KubernetesElectionOptions(LeaseOptions):
    """Which Lease object it is."""

    namespace: str | None = Field(
        default=None, description="where the Lease is; left out, the namespace of the daemon's pod"
    )


class KubernetesElection(LeaseElection[KubernetesElectionOptions]):
    """A Lease object; in a cluster through the pod's service account, elsewhere by $KUBECONFIG."""

    options_type = KubernetesElectionOptions

    def __init__(self, options: KubernetesElectionOptions, context: Context) -> None:
        super().__init__(options, context)
        self._api: Any = None

    async def read(self) -> Found:
        async with self._exchange() as (api, place):
            try:
                read = await api.read_namespaced_lease(self.options.name, place)
            except _failure() as error:
                if error.status != NOT_FOUND:
                    raise
                return Found()
        return self._found(read)

    async def replace(self, found: Found, lease: Lease) -> Found | None:
        async with self._exchange() as (api, place):
            body = self._body(found, lease, place)
            strict = {"field_validation": "Strict"}
            try:
                if found.version:
                    name = self.options.name
                    written = await api.replace_namespaced_lease(name, place, body, **strict)
                else:
                    written = await api.create_namespaced_lease(place, body, **strict)
            except _failure() as error:
                if error.status == CONFLICT or (found.version and error.status == NOT_FOUND):
                    return None
                raise
        return self._found(written)

    async def aclose(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            await api.api_client.close()

    @contextlib.asynccontextmanager
    async def _exchange(self) -> AsyncIterator[tuple[Any, str]]:
        """The API and our namespace, for one request. Raises LeaseError for what goes wrong."""
        name = f"lease {self.options.name}"
        if self._api is None:
            self._api = await _connected()
        try:
            async with asyncio.timeout(self.options.exchange_seconds):
                yield self._api, self._namespace()
        except TimeoutError:
            raise LeaseError(f"{name}: the API server did not answer in time") from None
        except _failure() as error:
            said = MEANINGS.get(error.status, redact(f"{error.status} {error.reason}"))
            await self.aclose()
            raise LeaseError(f"{name}: the API server: {said}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            await self.aclose()
            said = redact(str(error) or type(error).__name__)
            raise LeaseError(f"{name}: the API server cannot be reached ({said})") from error

    def _namespace(self) -> str:
        if self.options.namespace is not None:
            return self.options.namespace
        return OWN_NAMESPACE.read_text().strip() if OWN_NAMESPACE.exists() else "default"

    def _found(self, read: Any) -> Found:
        """Its version is the whole object. Null, as others may write it, means what absent does."""
        there = self._api.api_client.sanitize_for_serialization(read)
        there["metadata"].pop("managedFields", None)
        spec = there.get("spec") or {}
        lease = Lease(
            holder=spec.get("holderIdentity") or "",
            term=spec.get("leaseTransitions") or 0,
            renewed_at=_microseconds(spec.get("renewTime")),
            lease_seconds=float(spec.get("leaseDurationSeconds") or 0),
        )
        return Found(lease, json.dumps(there))

    def _body(self, found: Found, lease: Lease, place: str) -> dict[str, Any]:
        """The object with our spec; labels and whatever else is on it stay."""
        there = json.loads(found.version or "{}")
        named = {"name": self.options.name, "namespace": place}
        spec = there.get("spec") or {}
        goes_on = found.lease is not None and found.lease.term == lease.term
        since = _microseconds(spec.get("acquireTime")) if goes_on else lease.renewed_at
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**there.get("metadata", {}), **named},
            "spec": {
                **spec,
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": math.ceil(lease.lease_seconds),
                "leaseTransitions": lease.term,
                "acquireTime": _micro_time(since),
                "renewTime": _micro_time(lease.renewed_at),
            },
        }


async def _connected() -> Any:
    """The coordination API. Raises LeaseError when there is no cluster to speak to."""
    try:
        from kubernetes.aio import client, config  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise LeaseError("install autoscaler[kubernetes] to keep the lease there") from None
    made = client.Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=made)
        else:
            file = os.environ.get("KUBECONFIG")
            await config.load_kube_config(
                config_file=file, client_configuration=made, persist_config=False
            )
    except config.ConfigException as error:
        raise LeaseError(f"no cluster to keep the lease in: {redact(str(error))}") from error
    return client.CoordinationV1Api(client.ApiClient(made))


def _failure() -> Any:
    """What the client raises for an answer that is none of success."""
    from kubernetes.aio.client import ApiException  # noqa: PLC0415 - see above

    return ApiException


def _microseconds(text: str | None) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) if text else 0


def _micro_time(microseconds: int) -> str:
    """As Kubernetes writes a MicroTime: always with six digits, which isoformat leaves out."""
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
