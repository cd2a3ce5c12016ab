"""What is wrong between two values. Looks at raw values, so that one fault hides no other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from autoscaler import registry
from autoscaler.config.faults import Fault
from autoscaler.config.sections import split_listen
from autoscaler.document import Location
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Options, Source
from autoscaler.model import AirflowState, BrokerState, Observation, WorkersState

BROKER_URL = "AUTOSCALER_BROKER_URL"
AIRFLOW_URL = "AUTOSCALER_AIRFLOW_DATABASE_URL"
AIRFLOW_API_URL = "AUTOSCALER_AIRFLOW_API_URL"
FROM_BROKER = "broker"
DEFAULT_NAME = "default"

_DRAIN_BOUNDS = {
    "max_draining": (1, 1000),
    "warn_after_seconds": (1, 31_536_000),
    "max_percent_per_cycle": (1, 100),
    "max_percent_per_hour": (1, 100_000),
}


def default_sources() -> dict[str, Any]:
    """A broker, its workers, and Airflow's database and API, as the environment names them."""
    broker = registry.BROKER_SCHEMES.get(_broker_scheme())
    if broker is None:
        return {}
    url = {"env": BROKER_URL}
    found: dict[str, Any] = {
        "broker": {"kind": broker, "url": url},
        "workers": {"kind": "celery_workers", "url": url},
    }
    for name, kind, variable in (
        ("airflow", "airflow_database", AIRFLOW_URL),
        ("api", "airflow_api", AIRFLOW_API_URL),
    ):
        if os.environ.get(variable):
            found[name] = {"kind": kind, "url": {"env": variable}}
    return found


def airflow_sources(sources: Any) -> tuple[str, ...]:
    """The names of the sources that read Airflow's own account of what it wants done."""
    if sources is None:
        sources = default_sources()
    if not isinstance(sources, Mapping):
        return ()
    return tuple(name for name, source in sources.items() if _observed(source) is AirflowState)


def demand_source(fleet: Any, airflow: tuple[str, ...]) -> str | None:
    """The Airflow source that knows the demand of a fleet; None where its broker does."""
    named = _get(fleet, "demand")
    if named is None:
        return airflow[0] if airflow and _has_queues(fleet) else None
    return named if named in airflow else None


def cross_faults(data: Any) -> Iterator[Fault]:
    """Every fault between values of a config, given as a mapping or as a `Config`."""
    fleets = _get(data, "fleets")
    fleets = list(fleets) if isinstance(fleets, list | tuple) else []
    yield from _name_faults(fleets)
    yield from _queue_faults(fleets)
    airflow = airflow_sources(_get(data, "sources"))
    yield from _demand_faults(fleets, airflow)
    for index, fleet in enumerate(fleets):
        if not isinstance(fleet, Mapping | Options):
            continue
        yield from _size_faults(("fleets", index), fleet)
        yield from _drain_faults(("fleets", index, "drain"), _get(fleet, "drain"))
        yield from _budget_faults(("fleets", index, "budgets"), fleet, airflow)
    if served := [fleet for fleet in fleets if _has_queues(fleet)]:
        yield from _source_faults(data, served)
    yield from _listen_faults(_get(data, "http"))


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)


def _has_queues(fleet: Any) -> bool:
    """Whether its replicas are Celery workers: whoever leaves queues out wants them found."""
    queues = _get(fleet, "queues")
    return queues is None or bool(queues)


def _name_faults(fleets: list[Any]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, fleet in enumerate(fleets):
        name = _get(fleet, "name") or DEFAULT_NAME
        if isinstance(name, str) and first.setdefault(name, index) != index:
            message = f"fleets[{first[name]}] is called {name!r} already; choose another name"
            yield ("fleets", index, "name"), message


def _queue_faults(fleets: list[Any]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, fleet in enumerate(fleets):
        queues = _get(fleet, "queues")
        if queues is None and len(fleets) > 1 and isinstance(fleet, Mapping | Options):
            message = (
                "must be said where there are several fleets; they are found for a single one "
                "([] where the replicas are no Celery workers)"
            )
            yield ("fleets", index, "queues"), message
        seen = set()
        for place, queue in enumerate(queues if isinstance(queues, list | tuple) else ()):
            if not isinstance(queue, str):
                continue
            if queue in seen:
                yield ("fleets", index, "queues", place), f"{queue!r} is in the list twice"
            elif first.setdefault(queue, index) != index:
                message = f"fleets[{first[queue]}] serves {queue!r} already; one fleet a queue"
                yield ("fleets", index, "queues", place), message
            seen.add(queue)


def _demand_faults(fleets: list[Any], airflow: tuple[str, ...]) -> Iterator[Fault]:
    choices = " or ".join(repr(name) for name in (*airflow, FROM_BROKER))
    for index, fleet in enumerate(fleets):
        named = _get(fleet, "demand")
        if named is not None and named not in (*airflow, FROM_BROKER):
            message = f"no Airflow database among the sources is called {str(named)[:80]!r}"
            yield ("fleets", index, "demand"), f"{message}; write {choices}"
        elif named is None and len(airflow) > 1 and _has_queues(fleet):
            yield ("fleets", index), f"must say whose its demand is: {choices}"


def _size_faults(location: Location, fleet: Any) -> Iterator[Fault]:
    least, most = _get(fleet, "min_replicas"), _get(fleet, "max_replicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        message = f"{least} is more than max_replicas, {most}; lower it or raise that"
        yield (*location, "min_replicas"), message
    if not _has_queues(fleet) and _get(fleet, "policies") is None:
        message = "a fleet without queues has no demand of its own; give it queues or policies"
        yield location, message


def _drain_faults(location: Location, drain: Any) -> Iterator[Fault]:
    for key, (least, most) in _DRAIN_BOUNDS.items():
        value = _get(drain, key)
        if isinstance(value, int | float) and not least <= value <= most:
            yield (*location, key), f"must be from {least} to {most}, not {value:g}"


def _budget_faults(location: Location, fleet: Any, airflow: tuple[str, ...]) -> Iterator[Fault]:
    """Budgets that would bound nothing; what is checked already may be the defaults."""
    written = isinstance(_get(fleet, "budgets"), Mapping)
    by_broker = _get(fleet, "demand") in (None, FROM_BROKER) and not demand_source(fleet, airflow)
    if written and by_broker:
        message = "are kept only where an Airflow database knows the fleet's demand; add one"
        yield location, f"{message} to sources, or leave budgets out"


def _source_faults(data: Any, fleets: list[Any]) -> Iterator[Fault]:
    sources = _get(data, "sources")
    if sources is None:
        if not default_sources():
            yield ("sources",), _no_sources()
        return
    if not isinstance(sources, Mapping):
        return
    observed = [_observed(source) for source in sources.values()]
    wanted: dict[type[Observation], str] = {WorkersState: "workers"}
    if not all(demand_source(fleet, airflow_sources(sources)) for fleet in fleets):
        wanted = {BrokerState: "the length of queues", **wanted}
    for kind, words in wanted.items():
        if not any(issubclass(o, kind) or issubclass(kind, o) for o in observed):
            message = (
                f"none of them reads {words}, which a fleet with queues needs; add one, "
                f"or leave sources out and set {BROKER_URL}{_else_none(fleets)}"
            )
            yield ("sources",), message


def _else_none(fleets: list[Any]) -> str:
    if all(_get(fleet, "queues") for fleet in fleets):
        return ""
    return "; or write queues: [] where the replicas are no Celery workers"


def _observed(source: Any) -> type[Observation]:
    """What a source reads; Observation where nobody can tell."""
    given: type[Source[Any]] | None = _get(source, "plugin")
    try:
        return (given or registry.find(Source, str(_get(source, "kind")))).observes()
    except ConfigError:
        return Observation


def _broker_scheme() -> str:
    return os.environ.get(BROKER_URL, "").partition("://")[0]


def _no_sources() -> str:
    if scheme := _broker_scheme():
        known = ", ".join(sorted(registry.BROKER_SCHEMES))
        return f"{BROKER_URL} begins with {scheme[:20]!r}, which is none of: {known}"
    return (
        "fleets with queues need a broker to read: set AUTOSCALER_BROKER_URL, or write "
        "sources: {broker: {kind: redis_broker, url: …}, workers: {kind: celery_workers, url: …}}"
    )


def _listen_faults(http: Any) -> Iterator[Fault]:
    listen = _get(http, "listen")
    if not isinstance(listen, str) or _get(http, "token") is not None:
        return
    try:
        host, _ = split_listen(listen)
    except ValueError:
        return
    if not _is_loopback(host):
        message = (
            f"{host} can be reached from other machines; set http.token "
            "(such as {env: AUTOSCALER_TOKEN}), or listen on 127.0.0.1"
        )
        yield ("http", "listen"), message


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
