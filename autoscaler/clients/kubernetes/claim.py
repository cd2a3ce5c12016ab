"""Whose the number of replicas is: another writer is seen, named, and never fought."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.workload import Workload, Writer

HOLD_SECONDS = 900.0
DAY_SECONDS = 86_400.0
_REMEDIES = {
    "kube-controller-manager": "delete the HorizontalPodAutoscaler of {name}",
    "keda": "delete the ScaledObject of {name}, or pause it",
    "argocd": "take replicas out of its manifest in Git, and let Argo CD ignore /spec/replicas",
    "helm": "take replicas out of the chart's values",
    "kustomize-controller": "take replicas out of its manifest in Git",
    "kubectl": "to hold a number say `autoscaler scale`",
}
_OTHER_REMEDY = "let one of the two scale {name}"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the number is left alone, whose it is, since and until when (None: until let go)."""

    actor: str
    reason: str
    since: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is remembered of the number and of who wrote it. A value: `after` gives the next one.

    A change that is not ours holds the fleet for a quarter of an hour: it may be a person's wish.
    One after we had written again is a rival's: within a day it holds until somebody lets go, by a
    new value of the annotation autoscaler/take-over, or by a restart.
    """

    uid: str = ""
    replicas: int = 0
    take_over: str = ""
    strikes: int = 0
    struck_at: float = 0.0
    answered: bool = False
    hold: Hold | None = None

    def after(self, workload: Workload, written: int | None, now: float) -> Claim:
        """With what is seen now. written: what we wrote ourselves since the last look."""
        asked = workload.annotations.get(marks.TAKE_OVER, "")
        replicas = workload.scale.replicas
        if workload.uid != self.uid:
            return Claim(workload.uid, replicas, asked)
        claim = replace(self, replicas=replicas, take_over=asked)
        if asked not in ("", self.take_over):
            return replace(claim, strikes=0, hold=None)
        if replicas != self.replicas:
            if not _is_ours(workload, written):
                return claim._struck(workload, self.replicas, now)
            claim = replace(claim, answered=True)
        if claim.hold is not None and claim.hold.until is not None and claim.hold.until <= now:
            return replace(claim, hold=None)
        return claim

    def _struck(self, workload: Workload, before: int, now: float) -> Claim:
        recent = self.strikes > 0 and now - self.struck_at < DAY_SECONDS
        strikes = self.strikes + self.answered if recent else 1
        writer, name = workload.writer, workload.name
        once_more = "" if strikes == 1 else f", {strikes} times within a day"
        reason = (
            f"{words_of(writer)} changed replicas of {name} from {before} to "
            f"{workload.scale.replicas}{once_more}; {remedy(writer, name)}; "
            f"a new value of {name}'s annotation {marks.TAKE_OVER} goes on at once"
        )
        until = now + HOLD_SECONDS if strikes == 1 else None
        hold = Hold(writer.manager if writer else "somebody", reason, now, until)
        return replace(self, strikes=strikes, struck_at=now, answered=False, hold=hold)


def words_of(writer: Writer | None) -> str:
    """A writer as people call it."""
    if writer is None:
        return "somebody"
    if writer.manager == "kube-controller-manager" and writer.subresource == "scale":
        return "a HorizontalPodAutoscaler"
    return writer.manager or "somebody"


def remedy(writer: Writer | None, name: str) -> str:
    """What somebody can do so that the number has one owner."""
    manager = writer.manager.lower() if writer else ""
    found = (words for known, words in _REMEDIES.items() if manager.startswith(known))
    return next(found, _OTHER_REMEDY).format(name=name)


def _is_ours(workload: Workload, written: int | None) -> bool:
    if workload.writer is None:
        return written == workload.scale.replicas
    return workload.writer.is_us
