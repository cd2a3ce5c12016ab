"""The replicas of one workload: looked at, marked, added, let go, shielded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from autoscaler.clients.kubernetes.autoscalers import Autoscalers
from autoscaler.clients.kubernetes.claim import Claim, Hold
from autoscaler.clients.kubernetes.discovery import Reference, resolve
from autoscaler.clients.kubernetes.faults import ApiError, Conflict, NotFound
from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.marks import drained, fenced
from autoscaler.clients.kubernetes.nodes import Nodes
from autoscaler.clients.kubernetes.orders import order_of
from autoscaler.clients.kubernetes.pods import Pod
from autoscaler.clients.kubernetes.population import Population
from autoscaler.clients.kubernetes.removal import TRIES, Removal, refuse_moved
from autoscaler.clients.kubernetes.resizing import ResizeRules, Resizing, resize_of
from autoscaler.clients.kubernetes.sharing import Lease
from autoscaler.clients.kubernetes.shields import ShieldRules, Shields
from autoscaler.clients.kubernetes.view import View
from autoscaler.clients.units import rules
from autoscaler.clients.units.rules import NEVER, Applied
from autoscaler.errors import TargetConflict
from autoscaler.model import Action, Drain, Fleet, Override, Sizing, Unit

HPA_WRITER = "kube-controller-manager"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the workload is, and how its pods are read. nodename: a template with {pod}."""

    login: Login
    namespace: str
    reference: Reference
    nodename: str = "celery@{pod}"
    container: str | None = None
    timeout_seconds: float = 4.0
    read_nodes: bool = False


@dataclass(frozen=True, slots=True)
class _Cluster:
    """What is there once the connection is."""

    lease: Lease
    view: View
    autoscalers: Autoscalers
    nodes: Nodes | None


class Replicas:
    """Raises ApiError where the cluster could not be read or written, else TargetError.

    order: what the workload, or another writer of its number, put in the engine's place.
    shields None: pods are not shielded. resizes None: nor are they resized.
    """

    def __init__(
        self,
        place: Place,
        fleet: Fleet,
        shields: ShieldRules | None,
        resizes: ResizeRules | None = None,
    ) -> None:
        self.order: Override | None = None
        self._place = place
        self._fleet = fleet
        self._shields = Shields(shields) if shields else None
        self._resizing = Resizing(resizes) if resizes else None
        self._resizable: bool | None = None
        self._cluster: _Cluster | None = None
        self._opening = asyncio.Lock()
        self._population: Population | None = None
        self._fence = NEVER
        self._claim = Claim()
        self._written: int | None = None
        self._ordered: tuple[Mapping[str, str], float] = ({}, 0.0)
        self._told: Mapping[str, str] = {}
        self._log = structlog.get_logger("autoscaler.kubernetes").bind(fleet=fleet.name)

    async def observe(self, now: float) -> tuple[Unit, ...]:
        """Every replica, those without a pod included."""
        population = await self._look(now)
        await self._see_other_writers(population, now)
        return tuple(self._units(population).values())

    async def watch(self, changed: Callable[[], None]) -> None:
        """Until cancelled; `changed` is called after each change."""
        cluster = await self._opened()
        await cluster.view.run(changed)

    async def add(self, actions: Sequence[Action]) -> None:
        """Raise the replicas by one for each unit that is asked for."""
        population = await self._look(actions[0].at)
        applied = self._applied(population)
        for action in actions:
            applied.refuse_stale_addition(action)
        wanted = len({action.unit for action in actions})
        rules.refuse_too_many(wanted, self._units(population), self._fleet.max_replicas)
        self._refuse_contested()
        view = (await self._opened()).view
        scale = await view.read_scale()
        refuse_moved(population, scale)
        self._fence = applied.with_all(actions)
        self._written = scale.replicas + wanted
        await view.write_scale(scale.replicas + wanted, scale.version)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        """Write the mark on the pod as it was read, or take it away."""
        population = await self._look(action.at)
        for attempt in range(TRIES):
            applied = self._applied(population)
            units = self._units(population)
            rules.refuse_mark(action, units, applied)
            pod = population.pods.get(action.unit)
            if drain is None and pod is not None and pod.leaving:
                raise TargetConflict(f"the removal of {action.unit} has begun: it cannot resume")
            self._fence = applied.with_all([action])
            if pod is None:
                self._population = population.marked(action.unit, drain, action.fence)
                return
            view = (await self._opened()).view
            try:
                await view.annotate(pod, {**drained(drain), **fenced(action.fence)})
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                population = population.with_pod(await view.read_pod(action.unit))
            else:
                return

    async def remove(self, actions: Sequence[Action]) -> None:
        """Let exactly these go."""
        at = actions[0].at
        population = await self._look(at)
        applied = self._applied(population)
        leaving = rules.removals(actions, self._units(population), applied)
        if not leaving:
            return
        self._refuse_contested()
        self._fence = applied.with_all(leaving)

        def wrote(replicas: int) -> None:
            self._written = replicas

        view = (await self._opened()).view
        removal = Removal(view, lambda: self._look(at), wrote, all_alike=not self._fleet.queues)
        await removal.carry_out(population, leaving)

    async def protect(self, busy: Mapping[str, bool]) -> None:
        """Shield busy pods, and unshield idle ones, as fast as the rules allow."""
        if self._shields is None or self._population is None:
            return
        now = asyncio.get_running_loop().time()
        due = self._shields.due(self._population.pods.values(), busy, now)
        view = (await self._opened()).view
        writes = (view.annotate(pod, changes) for pod, changes in due)
        results = await asyncio.gather(*writes, return_exceptions=True)
        faults = [result for result in results if isinstance(result, BaseException)]
        grave = [fault for fault in faults if not isinstance(fault, Conflict | NotFound)]
        self._tell("busy pods cannot be shielded", str(grave[0]) if grave else "")
        for fault in grave:
            if not isinstance(fault, ApiError):
                raise fault

    async def resize(self, sizings: Sequence[Sizing]) -> tuple[str, str] | None:
        """Resize the pod that is due, if one is: its name and what changed."""
        if self._resizing is None or self._population is None:
            return None
        view = (await self._opened()).view
        if self._resizable is None:
            self._resizable = await view.serves_resize()
        due: Pod | str = "the cluster does not serve pods/resize, which Kubernetes 1.33 does"
        if self._resizable:
            now = asyncio.get_running_loop().time()
            due = self._resizing.due(self._population.pods.values(), sizings, now)
        if isinstance(due, str):
            self._tell("pods are not resized in place", due)
            return None
        return await self._resize(view, due, sizings, self._resizing.rules)

    async def _resize(
        self, view: View, pod: Pod, sizings: Sequence[Sizing], rules: ResizeRules
    ) -> tuple[str, str] | None:
        fault = ""
        try:
            made = await view.resize(pod.name, lambda item: resize_of(item, sizings, rules))
        except (Conflict, NotFound):
            return None  # it changed or left: another time
        except ApiError as error:
            made, fault = None, str(error)
        self._tell("pods are not resized in place", fault)
        return None if made is None else (pod.name, made.told)

    async def aclose(self) -> None:
        """Give the connection back. May be called twice."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            await cluster.lease.aclose()

    async def _opened(self) -> _Cluster:
        place = self._place
        async with self._opening:
            if self._cluster is None:
                lease = Lease(place.login, place.timeout_seconds)
                try:
                    target = await resolve(lease.connection, place.namespace, place.reference)
                except BaseException:
                    await lease.aclose()
                    raise
                self._cluster = _Cluster(
                    lease,
                    View(lease.connection, target, place.container),
                    Autoscalers(lease.connection, place.namespace),
                    Nodes(lease.connection) if place.read_nodes else None,
                )
            return self._cluster

    async def _look(self, now: float) -> Population:
        cluster = await self._opened()
        workload, pods = await cluster.view.now()
        if cluster.nodes is not None:
            await cluster.nodes.learn(pods)
            pods = tuple(cluster.nodes.laid_on(pod) for pod in pods)
            self._tell("nodes cannot be read", cluster.nodes.fault)
        before = self._population or Population(workload)
        self._population = before.after(workload, pods, now)
        return self._population

    async def _see_other_writers(self, population: Population, now: float) -> None:
        """Remember who else writes the number, and what the workload itself says."""
        autoscalers = (await self._opened()).autoscalers
        workload = population.workload
        self._claim = self._claim.after(workload, self._written, now)
        hold = self._claim.hold
        suspected = hold is not None and hold.actor == HPA_WRITER
        kind, name = self._place.reference.kind, workload.name
        scaled_by = await autoscalers.of(kind, name, suspected=suspected)
        self._tell("other autoscalers are not looked for", autoscalers.fault)
        if scaled_by:
            since = self.order.created_at if self.order and self.order.contested else now
            why = f"{scaled_by} scales {name} already: delete it, or leave this fleet to it"
            hold = Hold(scaled_by, why, since)
        elif suspected and not autoscalers.fault:
            self._claim = replace(self._claim, hold=None)
            hold = None
        said, since = self._ordered
        if said != workload.annotations:
            self._ordered = (workload.annotations, now)
        self.order = order_of(self._fleet.name, hold, *self._ordered)
        self._tell("another writes the number of replicas", hold.reason if hold else "")

    def _refuse_contested(self) -> None:
        if self.order is not None and self.order.contested:
            raise TargetConflict(self.order.reason)

    def _units(self, population: Population) -> dict[str, Unit]:
        return population.units(self._place.nodename)

    def _applied(self, population: Population) -> Applied:
        return population.applied(self._fence)

    def _tell(self, event: str, why: str) -> None:
        """Log what begins and what ends, once each."""
        before = self._told.get(event, "")
        self._told = {**self._told, event: why}
        if why and not before:
            self._log.warning(event, why=why)
        elif before and not why:
            self._log.info(f"{event}: no more")
