"""Oracles of alerts: what stays unreadable fires, what is well again resolves, all is delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from autoscaler.model import Alert, AlertState, Tick
from tests.simulation.faults.calls import FATES
from tests.simulation.oracles.witness import Witness
from tests.simulation.scenario import DOWN_FOR_SECONDS

if TYPE_CHECKING:
    from tests.simulation.world import World

Violated = Callable[[str, str], None]
Key = tuple[object, AlertState]
DELIVER_SECONDS = 150.0
NEEDED = {
    "broker": ("oldest_task_too_old", "queue_without_consumers"),
    "workers": ("worker_silent", "worker_catatonic", "duplicate_nodenames"),
}
UNWELL = [f"pages_{fate}" for fate in FATES]


class Telling:
    """Follows the alerts of one daemon."""

    def __init__(self, world: World, violated: Violated) -> None:
        self._world = world
        self._violated = violated
        self._down_since: dict[str, float] = {}
        self._firing: set[object] = set()
        self._owed: dict[Key, float] = {}
        self._last_now = 0.0

    def judge(self, witness: Witness, tick: Tick) -> None:
        """Everything that must hold of this tick's alerts."""
        jumped = witness.now < self._last_now
        self._last_now = witness.now
        if jumped:
            self._down_since.clear()
        for source in ("broker", "workers"):
            self._judge_source(source, witness, tick)
        self._judge_blindness(witness, tick)
        self._owe(tick)
        late = [key for key, since in self._owed.items() if self._overdue(since)]
        if late:
            self._violated("delivered", f"nobody was told of {late[0]}")

    def paged(self, alerts: Sequence[Alert]) -> None:
        """These were delivered."""
        for alert in alerts:
            self._owed.pop((alert.finding.key, alert.state), None)

    def firing(self) -> set[object]:
        """The alerts that fire now."""
        return self._firing

    def _judge_source(self, source: str, witness: Witness, tick: Tick) -> None:
        own = [
            alert
            for alert in tick.alerts
            if alert.finding.check == "source_down" and alert.finding.labels == {"source": source}
        ]
        if witness.shown(source):
            self._down_since.pop(source, None)
            if any(alert.state is not AlertState.RESOLVED for alert in own):
                self._violated("resolved", f"{source} was read, and its alert stays")
            return
        since = self._down_since.setdefault(source, witness.now)
        fires = any(alert.state is AlertState.FIRING for alert in own)
        lasted = witness.now - since
        if lasted >= DOWN_FOR_SECONDS and not fires:
            self._violated(
                "fires", f"{source} is unreadable for {lasted:.0f} s, and no alert fires"
            )
        began = fires and own[0].finding.key not in self._firing
        if began and lasted < DOWN_FOR_SECONDS:
            self._violated("not-too-soon", f"{source} fires after {lasted:.0f} s")

    def _judge_blindness(self, witness: Witness, tick: Tick) -> None:
        """What cannot be seen is not well again."""
        blind = {
            check
            for source, checks in NEEDED.items()
            for check in checks
            if not witness.shown(source)
        }
        for alert in tick.alerts:
            if alert.state is AlertState.RESOLVED and alert.finding.check in blind:
                self._violated("blind-resolve", f"{alert.finding.check} is resolved unseen")

    def _owe(self, tick: Tick) -> None:
        """Each beginning and end of firing is owed to the notifier from now on."""
        states = {alert.finding.key: alert.state for alert in tick.alerts}
        for key, state in states.items():
            if (
                state is AlertState.FIRING and key not in self._firing
            ) or state is AlertState.RESOLVED:
                self._owed[key, state] = self._world.now
        for key in self._firing - states.keys():
            self._violated("resolved-once", f"{key} ceased to fire and nobody said so")
        self._firing = {key for key, state in states.items() if state is AlertState.FIRING}

    def _overdue(self, since: float) -> bool:
        """Once notifiers were well for so long, a retry must have come through."""
        if self._world.now - since <= DELIVER_SECONDS:
            return False
        return not any(self._world.faults.lately(name, DELIVER_SECONDS) for name in UNWELL)
