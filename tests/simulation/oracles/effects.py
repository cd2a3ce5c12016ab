"""Oracles of what reaches targets and workers: nobody dies, nothing stale, nobody unauthorized."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autoscaler.model import Action, ActionKind, Fence, FleetTick, Result
from tests.simulation.ledger import SimTaskRecord
from tests.simulation.platform import NEVER, Platform, SimUnit
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.network import Link
    from tests.simulation.oracles.witness import Witness
    from tests.simulation.world import World

PATIENCE_SECONDS = 5.0
WORDS = {ActionKind.DRAIN: "cancel", ActionKind.RESUME: "consume"}
Violated = Callable[[str, str], None]


class Effects:
    """Judges each effect when it is sent, and again when it is applied."""

    def __init__(self, world: World, violated: Violated) -> None:
        self._world = world
        self._violated = violated
        self._inspected: dict[str, tuple[float, SimWorker]] = {}
        self._newest: dict[tuple[str, float], Fence] = {}
        self._applied: set[tuple[str, Fence]] = set()
        self._marked: set[tuple[str, float]] = set()
        self._excused: set[int] = set()

    def sent(self, link: Link, witness: Witness, fleet: str, patience_seconds: float = 0.0) -> None:
        """Only a leader acts, on no paused fleet, and not in its first cycle."""
        who = f"daemon {link.number} acts on {fleet}"
        if self._world.scenario.dry_run:
            self._violated("dry-run", f"{who} in a dry run")
        if not self._world.cluster.leader_of(link).holds():
            self._violated("leader-only", f"{who} without leading")
        if link.errands:
            return
        paused_for = self._world.cluster.paused_for(fleet, witness.now)
        if paused_for is not None and paused_for >= patience_seconds:
            self._violated("paused", f"{who}, which is paused")
        if witness.ticks == 1:
            self._violated("first-cycle", f"{who} in its first cycle")
        if not witness.ticking:
            self._violated("one-evaluation", f"{who} outside of a tick")

    def cancelled(self, platform: Platform, name: str) -> None:
        """The mark comes first: else nobody knows after a crash why a worker takes nothing."""
        unit = platform.units.get(name)
        if unit is not None and (name, unit.created_at) not in self._marked:
            self._violated("mark-first", f"{name} is to take no more, and has no mark")

    def was_applied(self, fleet: str, fence: Fence) -> bool:
        """Whether the fleet's target ever did the action of this fence."""
        return (fleet, fence) in self._applied

    def inspected(self, worker: SimWorker) -> None:
        self._inspected[worker.name] = (self._world.now, worker)

    def applied(self, platform: Platform, action: Action, unit: SimUnit | None) -> None:
        """In order of fences; removals only of empty, drained units; never above the maximum."""
        self._judge_fence(platform, action, unit)
        self._applied.add((platform.plan.name, action.fence))
        if action.kind is ActionKind.DRAIN and unit is not None:
            self._marked.add((unit.name, unit.created_at))
        if action.kind is ActionKind.ADD:
            if platform.alive() >= platform.plan.max_replicas:
                self._violated("at-most-max", f"{action.unit} is one unit too many")
        elif action.kind is ActionKind.REMOVE and unit is not None:
            self._judge_removal(action, unit)

    def task_died(self, task: SimTaskRecord, cause: str, worker: SimWorker) -> None:
        if cause == "scale_in" and worker.pid not in self._excused:
            self._violated("zero-kill", f"task {task.number} was killed on {worker.name}")

    def judge(self, platform: Platform, tick: FleetTick, witness: Witness) -> None:
        """What is said to have been done was done, and what was done is said."""
        said = {(platform.plan.name, outcome.action.fence) for outcome in tick.outcomes}
        sent = {each for each in witness.sent if each[0] == platform.plan.name}
        if sent - said:
            self._violated("true-outcomes", f"nothing is said of {sent - said}")
        override = tick.override
        if override and override.expires_at is not None and override.expires_at <= witness.now:
            self._violated("expired", f"{override} holds beyond its end")
        marked = {replica.name for replica in tick.snapshot.replicas if replica.unit.drain}
        for outcome in tick.outcomes:
            action = outcome.action
            if outcome.result is not Result.APPLIED or action.kind is ActionKind.ADD:
                continue
            what = WORDS.get(action.kind)
            if what and action.worker and (what, action.worker) not in witness.told:
                self._violated("true-outcomes", f"{action.worker} never heard of its {action.kind}")
            told_only = action.kind is ActionKind.DRAIN and action.unit in marked
            done = told_only or self.was_applied(platform.plan.name, action.fence)
            if not done and action.unit in platform.units:
                self._violated("true-outcomes", f"{action.kind} {action.unit} was never done")

    def _judge_fence(self, platform: Platform, action: Action, unit: SimUnit | None) -> None:
        """A unit that somebody made anew under an old name is another."""
        fleet = (platform.plan.name, 0.0)
        subject = fleet if unit is None else (unit.name, unit.created_at)
        newest, of_fleet = self._newest.get(subject, NEVER), self._newest.get(fleet, NEVER)
        if action.fence <= newest or action.fence.term < of_fleet.term:
            self._violated("fences", f"{action.kind} {action.unit} {action.fence} after {newest}")
        self._newest[subject] = max(newest, action.fence)
        self._newest[fleet] = max(of_fleet, action.fence)

    def _judge_removal(self, action: Action, unit: SimUnit) -> None:
        process = unit.process
        if unit.drain is None:
            self._violated("drained-first", f"{unit.name} is removed without a drain")
        if process is None or process.empty:
            return
        if self._excusable(process):
            self._excused.add(process.pid)
            return
        held = f"{len(process.active)} running and {len(process.reserved)} fetched tasks"
        self._violated("only-empty", f"{unit.name} is removed with {held}")

    def _excusable(self, process: SimWorker) -> bool:
        """It started anew after it was found empty, or another spoke in its name as it was mute."""
        at, who = self._inspected.get(process.name, (self._world.now, process))
        return process.started_at > at or (who is not process and not process.answers)
