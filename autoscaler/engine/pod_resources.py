"""CPU and memory of a fleet's pods, as the HPA's replica calculator takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autoscaler.engine.per_unit_target import CannotTellError
from autoscaler.engine.replica_calculator import UnitReadings, thousandths
from autoscaler.engine.unit_groups import Phase, Readiness, Reading, UnitState, Warmup
from autoscaler.model import FleetSnapshot, Replica, Sample, Unit, UnitPhase

CPU, MEMORY = "cpu", "memory"
RESOURCES = (CPU, MEMORY)
POD, CONTAINER = "pod", "container"
PHASES = {
    UnitPhase.PENDING: Phase.PENDING,
    UnitPhase.RUNNING: Phase.RUNNING,
    UnitPhase.TERMINATING: Phase.RUNNING,
    UnitPhase.FAILED: Phase.FAILED,
}


def is_of_pods(snapshot: FleetSnapshot, name: str) -> bool:
    """Whether a sample of this name tells what each pod uses."""
    samples = snapshot.samples.named(name)
    return name in RESOURCES and any(POD in sample.labels for sample in samples)


def pods_readings(
    snapshot: FleetSnapshot, resource: str, labels: Mapping[str, str], *, of_requests: bool
) -> UnitReadings:
    """What the pods are and use. Raises CannotTellError.

    of_requests: whether each must tell what it asks for. Start-up itself uses CPU, so that only
    there readiness matters.
    """
    container = labels.get(CONTAINER, "")
    requests = _requests(snapshot, resource, container) if of_requests else {}
    return UnitReadings(
        snapshot.current,
        [_state(replica, requests.get(replica.name)) for replica in snapshot.replicas],
        _readings(snapshot, resource, labels),
        snapshot.now,
        Warmup() if resource == CPU else None,
    )


def _requests(snapshot: FleetSnapshot, resource: str, container: str) -> dict[str, int]:
    """By unit; a replica that has no pod yet will ask for what the others do."""
    serving = [replica.unit for replica in snapshot.replicas if replica.serving]
    known = {
        unit.name: _request(unit, resource, container)
        for unit in serving
        if unit.requests or unit.phase is not UnitPhase.PENDING
    }
    usual = max(known.values(), default=None)
    if usual is None:
        raise CannotTellError("there is no pod yet")
    return {unit.name: known.get(unit.name, usual) for unit in serving}


def _request(unit: Unit, resource: str, container: str) -> int:
    """In thousandths. What the pod as a whole asks for counts before its containers' sum."""
    asked = {one.container: _amount(one.cpu, one.memory, resource) for one in unit.requests}
    whole = asked.pop("", None)
    if not container and whole is not None:
        return thousandths(whole)
    if container:
        asked = {container: asked.get(container)}
    amounts = [amount for amount in asked.values() if amount is not None]
    if not asked or len(amounts) < len(asked):
        lacking = next((name for name, amount in asked.items() if amount is None), "")
        of = f"container {lacking} of {unit.name}" if lacking else unit.name
        raise CannotTellError(f"{of} does not tell how much {resource} it requests")
    return sum(map(thousandths, amounts))


def _amount(cpu: float | None, memory: float | None, resource: str) -> float | None:
    return cpu if resource == CPU else memory


def _readings(
    snapshot: FleetSnapshot, resource: str, labels: Mapping[str, str]
) -> dict[str, Reading]:
    """By unit. A pod whose metrics lack the container that is asked for makes all unknown."""
    units = {replica.name for replica in snapshot.replicas if replica.serving}
    whole = {name: value for name, value in labels.items() if name != CONTAINER}
    told = {sample.labels[POD] for sample in _of(snapshot, resource, whole, units)}
    used: dict[str, list[Sample]] = {}
    for sample in _of(snapshot, resource, labels, units):
        used.setdefault(sample.labels[POD], []).append(sample)
    if lacking := sorted(told - used.keys()):
        raise CannotTellError(f"{resource} of {lacking[0]} has no container {labels[CONTAINER]}")
    return {pod: _sum(pod, samples) for pod, samples in used.items()}


def _of(
    snapshot: FleetSnapshot, resource: str, labels: Mapping[str, str], units: set[str]
) -> Iterator[Sample]:
    for sample in snapshot.samples.named(resource, labels):
        if sample.labels.get(POD) in units:
            yield sample


def _sum(pod: str, samples: list[Sample]) -> Reading:
    """All containers of one pod. Pods of one name, in two namespaces, cannot be told apart."""
    if len({sample.labels.get(CONTAINER) for sample in samples}) < len(samples):
        raise CannotTellError(f"there are two pods {pod}: say the `namespace` under `labels`")
    value = sum(thousandths(sample.value) for sample in samples)
    at = min(sample.at for sample in samples)
    return Reading(value, at, max(sample.window_seconds for sample in samples))


def _state(replica: Replica, request: int | None) -> UnitState:
    """As the HPA sees a pod; where nobody tells since when, readiness has never changed."""
    unit = replica.unit
    started_at = unit.created_at if unit.started_at is None else unit.started_at
    since = started_at if unit.ready_since is None else unit.ready_since
    return UnitState(
        name=unit.name,
        phase=PHASES[unit.phase],
        leaving=not replica.serving,
        started_at=started_at,
        readiness=Readiness(unit.ready, since),
        request=request,
    )
