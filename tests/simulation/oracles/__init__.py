"""What must hold after every event; the first thing that does not is the run's violation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoscaler.model import Action, Alert, Tick
from tests.simulation.ledger import SimTaskRecord
from tests.simulation.network import Link
from tests.simulation.oracles.effects import PATIENCE_SECONDS, Effects
from tests.simulation.oracles.telling import Telling
from tests.simulation.oracles.turns import FleetWatch
from tests.simulation.oracles.witness import Witness
from tests.simulation.platform import Platform, SimUnit
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.world import World

LONGEST_TICK_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold. event: the number of the trace's last event then."""

    oracle: str
    message: str
    at: float
    event: int


class Oracles:
    """Hears of every event and judges it. Knows the truth and what each daemon was shown."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._effects = Effects(world, self.violated)
        self._witnesses: dict[int, Witness] = {}
        self._watches: dict[int, dict[str, FleetWatch]] = {}
        self._telling: dict[int, Telling] = {}
        self.violation: Violation | None = None

    def violated(self, oracle: str, message: str) -> None:
        """End the run: this invariant does not hold."""
        if self.violation is None:
            self._world.note("VIOLATION", f"{oracle}: {message}")
            self.violation = Violation(oracle, message, self._world.now, self._world.trace.number)
            self._world.loop.stop()

    def started(self, link: Link) -> None:
        """A daemon process begins."""
        self._witnesses[link.number] = Witness(self._world, link)
        self._telling[link.number] = Telling(self._world, self.violated)
        interval = self._world.scenario.interval_seconds
        self._watches[link.number] = {
            plan.name: FleetWatch(plan, interval, self._effects.was_applied, self.violated)
            for plan in self._world.scenario.fleets
        }

    def tick_begins(self, link: Link, now: float) -> None:
        """A daemon begins a tick at `now` by its clock."""
        self._witnesses[link.number].begin(now)

    def reading(self, link: Link, source: str, shown: Any) -> None:
        """A daemon asks a source (None), and is shown something."""
        if link.alive and not self._witnesses[link.number].show(source, shown):
            self.violated("one-poll", f"{source} is polled twice at once or in one tick")

    def sent(self, link: Link, platform: Platform, actions: Sequence[Action]) -> None:
        """A daemon asks a target for something."""
        names = ", ".join(f"{a.kind} {a.unit} {a.fence.term}.{a.fence.sequence}" for a in actions)
        self._world.note("sent", f"daemon {link.number}: {names}")
        witness, fleet = self._witnesses[link.number], platform.plan.name
        if not link.errands:
            witness.sent.update((fleet, action.fence) for action in actions)
        self._effects.sent(link, witness, fleet)

    def told(self, link: Link, worker: str, what: str) -> None:
        """A daemon tells a worker something."""
        self._world.note("told", f"daemon {link.number}: {what} {worker}")
        fleet = worker.rsplit("-", 1)[0]
        witness = self._witnesses[link.number]
        witness.told.add((what, worker))
        self._effects.sent(link, witness, fleet, PATIENCE_SECONDS)
        if what == "cancel" and not witness.lagging:
            self._effects.cancelled(self._world.platforms[fleet], worker.partition("@")[0])

    def inspected(self, worker: SimWorker) -> None:
        """A worker tells the truth about itself at this moment."""
        self._effects.inspected(worker)

    def applied(self, platform: Platform, action: Action, unit: SimUnit | None) -> None:
        """A target is about to do what an action says."""
        fence = f"{action.fence.term}.{action.fence.sequence}"
        self._world.note("applied", f"{action.kind} {action.unit} {fence}")
        self._effects.applied(platform, action, unit)

    def task_died(self, task: SimTaskRecord, cause: str, worker: SimWorker) -> None:
        """A run of a task was ended."""
        self._world.note("died", f"task {task.number} on {worker.name} by {cause}")
        self._effects.task_died(task, cause, worker)

    def paged(self, link: Link, alerts: Sequence[Alert]) -> None:
        """A notifier was told."""
        for alert in alerts:
            self._world.note("paged", f"{alert.finding.check} {alert.state}")
        self._telling[link.number].paged(alerts)

    def ticked(self, link: Link, tick: Tick) -> None:
        """A daemon has done a tick."""
        witness = self._witnesses[link.number]
        self._note(link, tick)
        self._judge_whole_tick(witness, tick)
        for name, watch in self._watches[link.number].items():
            watch.judge(witness, tick.fleets[name])
            self._effects.judge(self._world.platforms[name], tick.fleets[name], witness)
        self._telling[link.number].judge(witness, tick)
        witness.end()

    def checked(self, errors: Mapping[str, int]) -> None:
        """So many errors came of each check; only one of them may have bugs."""
        for name in errors:
            if name != "faulty":
                self.violated("no-bugs", f"check {name} raised")

    def firing(self) -> list[object]:
        """Alerts that fire now, by the leading daemon."""
        links = self._world.cluster.links
        if not links or any(plan.settings.mute for plan in self._world.scenario.fleets):
            return []
        return sorted(self._telling[links[-1].number].firing())

    def _judge_whole_tick(self, witness: Witness, tick: Tick) -> None:
        if list(tick.fleets) != list(self._world.platforms):
            self.violated("all-fleets", f"only {list(tick.fleets)} were decided")
        stood_still = self._world.faults.lately("standstill", LONGEST_TICK_SECONDS)
        if tick.duration_seconds > LONGEST_TICK_SECONDS and not stood_still:
            self.violated("bounded-tick", f"a tick took {tick.duration_seconds:.1f} s")
        expected = witness.bugs_expected()
        for name, trace in tick.bugs.items():
            if name not in expected:
                self.violated("no-bugs", f"{name}: {trace.strip().splitlines()[-1]}")
        for kind, number, bound in witness.calls(tick):
            if number > bound:
                self.violated("bounded-calls", f"{number} {kind} in one tick, at most {bound}")

    def _note(self, link: Link, tick: Tick) -> None:
        for name, fleet in tick.fleets.items():
            decision = fleet.decision
            kinds = " ".join(f"{o.action.kind}:{o.action.unit}={o.result}" for o in fleet.outcomes)
            self._world.note(
                "tick",
                f"daemon {link.number} {name} {decision.current}->{decision.desired} "
                f"{decision.reason} {fleet.result} {kinds} {fleet.error}",
            )
            for outcome in fleet.outcomes:
                self._world.trace.counts[f"{outcome.action.kind} {outcome.result}"] += 1
