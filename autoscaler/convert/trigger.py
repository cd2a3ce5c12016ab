"""One trigger of a ScaledObject: its metadata, and where KEDA had its secrets from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.convert.draft import Draft, NoteKind
from autoscaler.convert.fields import Fields

# In URLs and in connection strings such as host=db password=x.
_SECRET = re.compile(r"(?<=://)\S*(?=@)|(?<=password=)\S+", re.IGNORECASE)
GOALS = ("AverageValue", "Value", "Utilization")
_ABOUT_CONNECTIONS = (
    "enableTLS",
    "unsafeSsl",
    "tls",
    "sslmode",
    "username",
    "usernameFromEnv",
    "userName",
    "userNameFromEnv",
    "password",
    "passwordFromEnv",
    "port",
    "portFromEnv",
    "databaseIndex",
    "dbName",
    "dbNameFromEnv",
    "vhostName",
    "sentinelMaster",
    "sentinelUsername",
    "sentinelUsernameFromEnv",
    "sentinelPassword",
    "sentinelPasswordFromEnv",
    "timeout",
    "connectionName",
)


@dataclass(frozen=True, slots=True)
class Authentications:
    """Every TriggerAuthentication of the input: (namespace, name) to its parameters.

    A parameter's text says where its value is. Those of the cluster have the namespace ''.
    """

    parameters: Mapping[tuple[str, str], Mapping[str, str]]

    def of(self, reference: Fields, namespace: str) -> Mapping[str, str] | None:
        """What an `authenticationRef` points to, if it is in the input."""
        cluster = reference.text("kind") == "ClusterTriggerAuthentication"
        return self.parameters.get(("" if cluster else namespace, reference.text("name")))


def read_authentication(document: Fields) -> dict[str, str]:
    """Where each parameter of a TriggerAuthentication is kept."""
    spec, found = document.mapping("spec"), {}
    for entry in spec.items("secretTargetRef"):
        parameter = entry.required("parameter", "password")
        found[parameter] = f"key {entry.text('key')!r} of Secret {entry.text('name')!r}"
    for entry in spec.items("configMapTargetRef"):
        parameter = entry.required("parameter", "host")
        found[parameter] = f"key {entry.text('key')!r} of ConfigMap {entry.text('name')!r}"
    for entry in spec.items("env"):
        parameter = entry.required("parameter", "password")
        found[parameter] = f"the workload's variable {entry.text('name')!r}"
    return found


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. goal: the type of target that its `metricType` asks for."""

    kind: str
    name: str
    fields: Fields
    metadata: Fields
    goal: str
    secrets: Mapping[str, str]

    def note(self, draft: Draft, kind: NoteKind, message: str, key: str = "") -> None:
        """A note on this trigger, or on a key of its metadata."""
        path = self.metadata.place(key) if key else self.fields.path
        draft.note(kind, path, self.fields.line, message)

    def where(self, *parameters: str) -> str:
        """Where KEDA had the first of these parameters that is given; '' for none."""
        for parameter in parameters:
            if text := self.metadata.text(parameter):
                return _SECRET.sub("***", text)
            if variable := self.metadata.text(f"{parameter}FromEnv"):
                return f"the workload's variable {variable!r}"
            if parameter in self.secrets:
                return self.secrets[parameter]
        return ""

    def secret_places(self, *parameters: str) -> str:
        """A clause on where the secrets of a connection are."""
        found = [f"{each}: {self.secrets[each]}" for each in parameters if each in self.secrets]
        return f" ({'; '.join(found)})" if found else ""

    def close(self, draft: Draft) -> None:
        """Say which settings have no counterpart; those of the connection are in the URL."""
        self.metadata.ignore(*_ABOUT_CONNECTIONS)
        for key in self.metadata.unread():
            self.note(draft, NoteKind.LOST, "nothing here does the same", key)


def read_trigger(
    fields: Fields, namespace: str, authentications: Authentications, draft: Draft
) -> Trigger:
    """The trigger, without its metadata's meaning."""
    reference = fields.mapping("authenticationRef")
    secrets = authentications.of(reference, namespace)
    name = reference.text("name")
    if secrets is None and name:
        message = f"{name!r} is not in the input; convert it too to be told where its secrets are"
        draft.note(NoteKind.TO_DO, reference.path, reference.line, message)
    kind = fields.required("type", "redis")
    goal = fields.choice("metricType", GOALS, "AverageValue") if "metricType" in fields else ""
    fields.ignore("useCachedMetrics")
    trigger = Trigger(
        kind, fields.text("name"), fields, fields.mapping("metadata"), goal, secrets or {}
    )
    fields.close()
    return trigger
