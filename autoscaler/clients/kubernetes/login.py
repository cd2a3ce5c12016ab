"""How to reach the API server, and as whom: from inside the cluster, or by a kubeconfig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from autoscaler import __version__
from autoscaler.clients.kubernetes.faults import ApiError


@dataclass(frozen=True, slots=True)
class Login:
    """kubeconfig None: by the service account of the pod that we run in."""

    kubeconfig: Path | None = None
    context: str | None = None

    async def client(self) -> ApiClient:
        """A client that knows address and credentials as they are now. Raises ApiError."""
        configuration = Configuration()
        try:
            if self.kubeconfig is None:
                load_incluster_config(client_configuration=configuration)
            else:
                await load_kube_config(
                    config_file=str(self.kubeconfig.expanduser()),
                    context=self.context,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except (ConfigException, OSError) as error:
            where = "the pod's service account" if self.kubeconfig is None else self.kubeconfig
            hint = "; outside a cluster say kubeconfig" if self.kubeconfig is None else ""
            raise ApiError(f"no login by {where}: {error}{hint}") from error
        client = ApiClient(configuration)
        client.user_agent = f"autoscaler/{__version__}"
        return client
