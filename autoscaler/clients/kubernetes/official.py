"""The official client, of which only login and transport are used; imported at the first request.

Its models of every kind of object would cost more time and memory than all that we read.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

from autoscaler import __version__
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.login import Login

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

UNLIMITED = 0


def _package_without_its_own_imports() -> None:
    """`kubernetes` imports the blocking client with itself: 26 MB and a second for nothing."""
    spec = find_spec("kubernetes")
    if spec is not None and "kubernetes" not in sys.modules:
        sys.modules["kubernetes"] = module_from_spec(spec)


_package_without_its_own_imports()
from kubernetes.aio import client as aio  # noqa: E402 - after what makes it cheap
from kubernetes.aio import config  # noqa: E402


async def open_client(login: Login) -> ApiClient:
    """A client that knows address and credentials as they are now. Raises ApiError."""
    configuration: Any = aio.Configuration()
    try:
        if login.kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(
                config_file=str(login.kubeconfig.expanduser()),
                context=login.context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (config.ConfigException, OSError) as error:
        hint = "" if login.kubeconfig else "; outside a cluster say kubeconfig"
        raise ApiError(f"no login by {login}: {error}{hint}") from error
    configuration.connection_pool_maxsize = UNLIMITED  # each watch keeps a connection of its own
    client = aio.ApiClient(configuration)
    client.user_agent = f"autoscaler/{__version__}"
    return client
