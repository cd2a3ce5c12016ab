"""Pods of a Deployment, a StatefulSet, or of whatever has a scale: the right ones come and go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Self

from pydantic import Field, field_validator, model_validator

from autoscaler.clients.kubernetes.discovery import Reference
from autoscaler.clients.kubernetes.faults import ApiError, Conflict
from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.replicas import Place, Replicas
from autoscaler.clients.kubernetes.resizing import ResizeRules
from autoscaler.clients.kubernetes.shields import ShieldRules
from autoscaler.clients.kubernetes.workload import DEPLOYMENT, STATEFUL_SET
from autoscaler.errors import ConfigError, TargetConflict, TargetError
from autoscaler.interfaces import Context, Options, Target, Wake
from autoscaler.model import Action, Drain, Override, Sizing, Unit
from autoscaler.quantity import parse_quantity

WATCH_AGAIN_SECONDS = 2.0


class ScaleTargetRef(Options):
    """Anything with a scale subresource, in the words of an HPA."""

    api_version: str = Field(min_length=1, description="such as argoproj.io/v1alpha1")
    kind: str = Field(min_length=1, description="such as Rollout")
    name: str = Field(min_length=1, description="its name")
    pod_selector: str = Field(
        default="",
        description="labels of its pods, such as app=web,tier=front, where its scale does not tell",
    )


class InPlace(Options):
    """Pods are resized in place to what they were measured to need, one at a time."""

    max_cpu: float = Field(gt=0, le=1000, description="the most cores that a container may request")
    max_memory: str = Field(description="the most memory that it may request, such as 8Gi")
    every_seconds: float = Field(
        default=60, ge=10, le=86_400, description="how long to wait before the next pod"
    )

    @field_validator("max_memory")
    @classmethod
    def _is_a_quantity(cls, max_memory: str) -> str:
        if parse_quantity(max_memory) <= 0:
            raise ValueError("must be more than nothing, such as 8Gi")
        return max_memory

    @property
    def rules(self) -> ResizeRules:
        return ResizeRules(self.max_cpu, parse_quantity(self.max_memory), self.every_seconds)


class KubernetesOptions(Options):
    """What is scaled, and how its pods and workers belong together."""

    namespace: str = Field(min_length=1, description="where it is")
    deployment: str | None = Field(default=None, description="the Deployment to scale")
    statefulset: str | None = Field(
        default=None, description="the StatefulSet to scale; only its highest ordinals can leave"
    )
    scale_target_ref: ScaleTargetRef | None = Field(
        default=None, description="anything else that has a scale subresource"
    )
    nodename: str = Field(
        default="celery@{pod}", description="the name of the worker in a pod, with {pod}"
    )
    container: str | None = Field(
        default=None, description="the worker's container, whose image is shown; else the first"
    )
    kubeconfig: Path | None = Field(
        default=None, description="how to log in from outside; else by the pod's service account"
    )
    context: str | None = Field(default=None, description="of the kubeconfig; else its current one")
    timeout_seconds: float = Field(
        default=4, gt=0, le=60, description="how long one request to the API server may take"
    )
    read_nodes: bool = Field(
        default=False,
        description="read each node once, for zones and spot, where pods do not tell; takes a "
        "ClusterRole that may get nodes",
    )
    shield: bool = Field(
        default=True,
        description="annotate busy pods so that Karpenter and the cluster autoscaler spare them",
    )
    shield_writes_per_second: float = Field(
        default=5, gt=0, le=1000, description="how many such annotations may be written"
    )
    shield_writes_per_tick: int = Field(
        default=20, ge=1, le=1000, description="the most of them in one tick"
    )

    in_place: InPlace | None = Field(
        default=None,
        description="resize running pods in place to what they were measured to need, within this",
    )

    @field_validator("nodename")
    @classmethod
    def _names_the_pod(cls, nodename: str) -> str:
        if [name for _, name, _, _ in Formatter().parse(nodename) if name is not None] != ["pod"]:
            raise ValueError("must have {pod} once and nothing else in braces: celery@{pod}")
        return nodename

    @model_validator(mode="after")
    def _one_workload(self) -> Self:
        given = [self.deployment, self.statefulset, self.scale_target_ref]
        if sum(one is not None for one in given) != 1:
            raise ValueError("say what to scale: deployment, statefulset or scale_target_ref")
        return self

    @property
    def reference(self) -> Reference:
        """What is scaled."""
        if (ref := self.scale_target_ref) is not None:
            return Reference(ref.api_version, ref.kind, ref.name, ref.pod_selector)
        if self.deployment is not None:
            return Reference("apps/v1", DEPLOYMENT, self.deployment)
        return Reference("apps/v1", STATEFUL_SET, self.statefulset or "")


class Kubernetes(Target[KubernetesOptions]):
    """Reads from watches, writes with preconditions, and holds when another writes the number."""

    options_type = KubernetesOptions

    def __init__(self, options: KubernetesOptions, context: Context) -> None:
        super().__init__(options, context)
        if context.fleet is None:
            raise ConfigError("a kubernetes target needs a fleet")
        place = Place(
            login=Login(options.kubeconfig, options.context),
            namespace=options.namespace,
            reference=options.reference,
            nodename=options.nodename,
            container=options.container,
            timeout_seconds=options.timeout_seconds,
            read_nodes=options.read_nodes,
        )
        shields = ShieldRules(options.shield_writes_per_second, options.shield_writes_per_tick)
        resizes = options.in_place.rules if options.in_place else None
        self._replicas = Replicas(
            place, context.fleet, shields if options.shield else None, resizes
        )

    async def units(self, now: float) -> tuple[Unit, ...]:
        with _target_errors():
            return await self._replicas.observe(now)

    async def add(self, actions: Sequence[Action]) -> None:
        if actions:
            with _target_errors():
                await self._replicas.add(actions)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        with _target_errors():
            await self._replicas.mark(action, drain)

    async def remove(self, actions: Sequence[Action]) -> None:
        if actions:
            with _target_errors():
                await self._replicas.remove(actions)

    async def protect(self, busy: Mapping[str, bool]) -> None:
        with _target_errors():
            await self._replicas.protect(busy)

    async def resize(self, sizings: Sequence[Sizing]) -> tuple[str, str] | None:
        with _target_errors():
            return await self._replicas.resize(sizings)

    def override(self, now: float) -> Override | None:
        return self._replicas.order

    async def watch(self, wake: Wake) -> None:
        """Until cancelled; what goes wrong is told by `units`."""
        while True:
            with contextlib.suppress(ApiError):
                await self._replicas.watch(lambda: wake(f"pods of {self.context.name} changed"))
            await asyncio.sleep(WATCH_AGAIN_SECONDS)

    async def aclose(self) -> None:
        await self._replicas.aclose()


@contextlib.contextmanager
def _target_errors() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise TargetConflict(str(error)) from error
    except ApiError as error:
        raise TargetError(str(error)) from error
