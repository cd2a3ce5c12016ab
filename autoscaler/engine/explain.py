"""Why this number, why not more, why not fewer: sentences for people, from one tick of a fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autoscaler.engine.wording import clock_time, count, sentence, span
from autoscaler.model import FleetTick, Override, Replica, Result, Stage, Step

MOST_NAMED = 5
STAGE_NAMES = {
    Stage.OVERRIDE: "The operator",
    Stage.GUARD: "A guard",
    Stage.STABILIZE: "The stabilization window",
    Stage.LIMIT: "A rate limit",
    Stage.CLAMP: "The configured bounds",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answers for one fleet at one instant (Unix seconds).

    more_possible_at, fewer_possible_at: when the next change that way may come if nothing else
    changes; None when it waits for facts, not for a time.
    """

    fleet: str
    at: float
    summary: str
    why: tuple[str, ...]
    why_not_more: tuple[str, ...]
    why_not_fewer: tuple[str, ...]
    more_possible_at: float | None = None
    fewer_possible_at: float | None = None


def explain(tick: FleetTick) -> Explanation:
    """What an operator asks at three in the morning, answered from the decision's own steps."""
    steps = [step for step in tick.decision.steps if step.stage is not Stage.RECOMMEND]
    lowering = [step for step in steps if step.after < step.before]
    raising = [step for step in steps if step.after > step.before]
    return Explanation(
        fleet=tick.decision.fleet,
        at=tick.decision.at,
        summary=_summary(tick),
        why=tuple(map(sentence, _why(tick, steps))),
        why_not_more=tuple(map(sentence, _why_not_more(tick, lowering))),
        why_not_fewer=tuple(map(sentence, _why_not_fewer(tick, raising))),
        more_possible_at=_latest(lowering),
        fewer_possible_at=_latest(raising),
    )


def _summary(tick: FleetTick) -> str:
    snapshot = tick.snapshot
    present = f"{snapshot.current} present, {snapshot.ready} ready"
    if snapshot.draining:
        present += f", {snapshot.draining} draining"
    if f"target/{snapshot.fleet.name}" in snapshot.missing:
        present = "how many are present is not known"
    return f"{snapshot.fleet.name}: {count(tick.decision.desired, 'replica')} wanted ({present})."


def _why(tick: FleetTick, steps: Iterable[Step]) -> Iterator[str]:
    if tick.error:
        yield f"Nothing was changed, because this turn met a bug: {tick.error}"
    if tick.override is not None:
        yield _override(tick.override, tick.decision.at)
    asked = _asked(tick)
    highest = max((replicas for _, replicas, _ in asked), default=None)
    for policy, replicas, message in asked:
        if replicas == highest:
            yield f"{policy} asks for {replicas}: {message}"
    if highest is None and not tick.error:
        yield f"No policy can tell how many are needed, so it stays at {tick.decision.desired}"
        for mute in tick.decision.recommendations:
            yield f"{mute.policy} cannot tell: {mute.message}"
        for name, fault in sorted(tick.snapshot.missing.items()):
            yield f"{name} is not known: {fault}"
    for step in steps:
        if step.after != step.before and step.stage is not Stage.OVERRIDE:
            yield _step(step, tick.decision.at)
    yield from _not_carried_out(tick)


def _why_not_more(tick: FleetTick, lowering: list[Step]) -> Iterator[str]:
    decision, snapshot = tick.decision, tick.snapshot
    yield from _overruled(tick)
    if snapshot.blockage is not None and Stage.GUARD not in {step.stage for step in lowering}:
        yield snapshot.blockage.message
    for step in lowering:
        yield _step(step, decision.at)
    most = snapshot.fleet.max_replicas
    if decision.desired >= most and Stage.CLAMP not in {step.stage for step in lowering}:
        yield f"max_replicas is {most}, and it is reached"
    asked = _asked(tick)
    if asked and not lowering and tick.override is None:
        yield f"No policy asks for more: {_listed(asked)}"
    for recommendation in decision.recommendations:
        if recommendation.ceiling is not None:
            yield f"{recommendation.policy} allows at most {recommendation.ceiling}"
        if recommendation.replicas is None:
            yield f"{recommendation.policy} cannot tell, might want more: {recommendation.message}"
    if decision.desired > snapshot.current:
        yield f"{count(decision.desired - snapshot.current, 'more replica')} still to be added"
    unready = snapshot.current - snapshot.ready
    if unready:
        yield f"{count(unready, 'replica')} of {snapshot.current} not ready yet"


def _why_not_fewer(tick: FleetTick, raising: list[Step]) -> Iterator[str]:
    decision, snapshot = tick.decision, tick.snapshot
    stages = {step.stage for step in raising}
    yield from _overruled(tick)
    for step in raising:
        yield _step(step, decision.at)
    if Stage.GUARD not in stages:
        for name, fault in sorted(snapshot.missing.items()):
            yield f"Nothing is lowered while {name} is unknown: {fault}"
    least = snapshot.fleet.min_replicas
    at_min = decision.desired <= least
    if at_min and Stage.CLAMP not in stages:
        yield f"min_replicas is {least}, and it is reached"
    asked = _asked(tick)
    if asked and not raising and not at_min and tick.override is None:
        yield f"Fewer would not be enough: {_listed(asked)}"
    yield from _leaving(tick)


def _leaving(tick: FleetTick) -> Iterator[str]:
    snapshot = tick.snapshot
    draining = [replica for replica in snapshot.replicas if replica.draining]
    for replica in draining[:MOST_NAMED]:
        yield _drain(replica, snapshot.now)
    if len(draining) > MOST_NAMED:
        yield f"{count(len(draining) - MOST_NAMED, 'more replica')} draining as well"
    terminating = sum(1 for replica in snapshot.replicas if replica.terminating)
    if terminating:
        yield f"{count(terminating, 'replica')} told to stop, not gone yet"
    excess = snapshot.current - tick.decision.desired
    if excess > 0:
        most = snapshot.fleet.drain.max_draining
        yield f"{count(excess, 'replica')} still to leave: at most {most} drain at once"


def _drain(replica: Replica, now: float) -> str:
    since = replica.unit.drain.since if replica.unit.drain else now
    return (
        f"{replica.name} drains since {clock_time(since)} ({span(now - since)}); {_held(replica)}"
    )


def _held(replica: Replica) -> str:
    worker = replica.worker
    if replica.silent:
        return "it is silent, and a silent worker is not an empty one"
    if worker is None or worker.busy is None:
        return "its worker has not told yet what it runs"
    if worker.busy:
        return f"it still runs {count(worker.busy, 'task')}, which nobody will kill"
    if worker.reserved:
        return f"it still holds {count(worker.reserved, 'prefetched task')}"
    if replica.lingering:
        return f"Airflow still calls {count(replica.lingering, 'task')} of its running"
    return "it is empty, and leaves as soon as that is verified"


def _not_carried_out(tick: FleetTick) -> Iterator[str]:
    """One sentence for each way in which actions did not happen, however many they are."""
    failed = Counter(
        (outcome.action.kind, outcome.result, outcome.message)
        for outcome in tick.outcomes
        if outcome.result not in (Result.APPLIED, Result.WAITING)
    )
    for (kind, result, message), times in failed.items():
        because = ": ".join(filter(None, (result.replace("_", " "), message)))
        yield f"{count(times, kind)} not carried out ({because})"


def _override(override: Override, now: float) -> str:
    until = _until(override, now)
    if override.replicas is None:
        return f"Paused by {override.actor} {until}, nothing is carried out: {override.reason}"
    return f"Held at {override.replicas} by {override.actor} {until}: {override.reason}"


def _overruled(tick: FleetTick) -> Iterator[str]:
    override, now = tick.override, tick.decision.at
    if override is None:
        return
    if override.replicas is None:
        yield f"Paused {_until(override, now)}: what is decided is not carried out"
    else:
        yield f"Held at {override.replicas} {_until(override, now)}, whatever the policies ask for"


def _until(override: Override, now: float) -> str:
    if override.expires_at is None:
        return "until resumed"
    left = span(override.expires_at - now)
    return f"until {clock_time(override.expires_at)} (for another {left})"


def _step(step: Step, now: float) -> str:
    told = f"{STAGE_NAMES[step.stage]} made it {step.after}, not {step.before}: {step.message}"
    if step.until is None or step.until <= now:
        return told
    return f"{told.rstrip('.')} (until {clock_time(step.until)}, in {span(step.until - now)})"


def _asked(tick: FleetTick) -> list[tuple[str, int, str]]:
    return [
        (recommendation.policy, recommendation.replicas, recommendation.message)
        for recommendation in tick.decision.recommendations
        if recommendation.replicas is not None
    ]


def _listed(asked: list[tuple[str, int, str]]) -> str:
    return ", ".join(f"{policy} asks for {replicas}" for policy, replicas, _ in asked)


def _latest(steps: Iterable[Step]) -> float | None:
    return max((step.until for step in steps if step.until is not None), default=None)
