"""KEDA's prometheus trigger as a query of the `prometheus` source."""

from __future__ import annotations

import re

from autoscaler.convert.draft import Draft, NoteKind, Sources, Spec
from autoscaler.convert.hpa import tracking
from autoscaler.convert.trigger import Trigger

HEADER = "AUTOSCALER_PROMETHEUS"
TOKEN = "AUTOSCALER_PROMETHEUS_TOKEN"  # noqa: S105 - the name of a variable
_EMPTY = (
    "an empty result counted as 0; here it is unknown and holds the number: "
    "add `or vector(0)` to the query if none means none"
)


def read_prometheus(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    """One query, of its server; several triggers of a server share the source."""
    metadata = trigger.metadata
    query = metadata.required("query", "sum(rate(requests_total[2m]))").strip()
    threshold = metadata.positive("threshold")
    if threshold is None and "threshold" not in metadata:
        metadata.fault("threshold", "is missing; write how much one replica should take")
    activation = metadata.quantity("activationThreshold", 0.0) or 0.0
    address = metadata.text("serverAddress") or trigger.where("serverAddress")
    if not address.startswith(("http://", "https://")):
        address = ""
    name = metadata.text("metricName") or trigger.name or f"{draft.name}_prometheus"
    options = _options(trigger, sources)
    sample = sources.query(address, options, name, query)
    draft.policy(tracking(sample, trigger.goal, threshold or 1.0, activation))
    if metadata.flag("ignoreNullValues", default=True):
        trigger.note(draft, NoteKind.DIFFERS, _EMPTY, "query")
    _note_authentication(trigger, draft)


def _options(trigger: Trigger, sources: Sources) -> Spec:
    options: Spec = {}
    if "bearer" in trigger.metadata.text("authModes"):
        place = trigger.secrets.get("bearerToken", "the bearer token of the trigger")
        options["token"] = sources.variable(TOKEN, f"the bearer token of Prometheus: {place}")
    headers = trigger.metadata.text("customHeaders")
    names = [pair.partition("=")[0].strip() for pair in headers.split(",") if "=" in pair]
    if names:
        options["headers"] = {name: _header(name, sources) for name in names}
    return options


def _header(name: str, sources: Sources) -> Spec:
    """A header's value may be a secret, so it does not go into the config."""
    variable = f"{HEADER}_{re.sub('[^A-Za-z0-9]', '_', name).upper()}"
    return sources.variable(variable, f"what the trigger's customHeaders give {name}")


def _note_authentication(trigger: Trigger, draft: Draft) -> None:
    modes = trigger.metadata.text("authModes")
    if "basic" in modes:
        message = "put the user and password into the URL of its variable: http://USER:PASSWORD@…"
        trigger.note(draft, NoteKind.TO_DO, message, "authModes")
    if "tls" in modes or "custom" in modes:
        trigger.note(draft, NoteKind.LOST, "client certificates and custom keys", "authModes")
