"""The official client, of which only login and transport are used; imported at the first request.

Its models of every kind of object would cost more time and memory than all that we read.
"""

from __future__ import annotations

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from autoscaler import __version__
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.login import Login

UNLIMITED = 0


async def open_client(login: Login) -> ApiClient:
    """A client that knows address and credentials as they are now. Raises ApiError."""
    configuration = Configuration()
    try:
        if login.kubeconfig is None:
            load_incluster_config(client_configuration=configuration)
        else:
            await load_kube_config(
                config_file=str(login.kubeconfig.expanduser()),
                context=login.context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (ConfigException, OSError) as error:
        hint = "" if login.kubeconfig else "; outside a cluster say kubeconfig"
        raise ApiError(f"no login by {login}: {error}{hint}") from error
    configuration.connection_pool_maxsize = UNLIMITED  # each watch keeps a connection of its own
    client = ApiClient(configuration)
    client.user_agent = f"autoscaler/{__version__}"
    return client
