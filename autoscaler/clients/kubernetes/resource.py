"""Names of what the API serves: paths for requests, words for errors and for RBAC rules."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. group "" is the core group; namespace "" is the cluster itself."""

    group: str
    version: str
    plural: str
    namespace: str = ""

    def path(self, name: str = "", subresource: str = "") -> str:
        """Where the API serves all of them, one of them, or a part of one."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        space = f"/namespaces/{quote(self.namespace, safe='')}" if self.namespace else ""
        tail = "".join(f"/{quote(part, safe='')}" for part in (name, subresource) if part)
        plural = f"/{self.plural}" if self.plural else ""
        return f"{root}{space}{plural}{tail}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request in Kubernetes' own words. verb: as RBAC has it, such as get, list or patch."""

    verb: str
    resource: Resource
    name: str = ""
    subresource: str = ""

    @property
    def path(self) -> str:
        """Its path, without parameters."""
        return self.resource.path(self.name, self.subresource)

    @property
    def permission(self) -> str:
        """What a Role, or for what has no namespace a ClusterRole, must allow."""
        resource = self.resource
        plural = "/".join(part for part in (resource.plural, self.subresource) if part)
        role = (
            f"a Role in namespace {resource.namespace}" if resource.namespace else "a ClusterRole"
        )
        named = f', resourceNames: ["{self.name}"]' if self.name else ""
        rule = f'apiGroups: ["{resource.group}"], resources: ["{plural}"], verbs: ["{self.verb}"]'
        return f"{role} with {{{rule}{named}}}"

    def __str__(self) -> str:
        """Such as `patch deployments/scale airflow/worker`."""
        resource = self.resource
        plural = "/".join(part for part in (resource.plural, self.subresource) if part)
        place = "/".join(part for part in (resource.namespace, self.name) if part)
        return " ".join(part for part in (self.verb, plural, place) if part)


def pods(namespace: str) -> Resource:
    """The pods of a namespace."""
    return Resource("", "v1", "pods", namespace)


def workloads(kind: str, namespace: str) -> Resource:
    """The Deployments or StatefulSets of a namespace."""
    return Resource("apps", "v1", f"{kind.lower()}s", namespace)


def autoscalers(namespace: str) -> Resource:
    """The HorizontalPodAutoscalers of a namespace."""
    return Resource("autoscaling", "v2", "horizontalpodautoscalers", namespace)


NODES = Resource("", "v1", "nodes")
