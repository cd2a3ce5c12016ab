"""Bugs in the guards, the windows and the limits."""

from __future__ import annotations

from tests.simulation.mutants.bug import Bug

GUARDING = (
    Bug(
        "first_cycle_decides",
        "engine.guards",
        "if memory.last_tick_at is None and proposed != current:",
        "if False:",
    ),
    Bug(
        "missing_data_may_lower",
        "engine.guards",
        "if snapshot.missing or after.known_since is None:",
        "if after.known_since is None:\n        return None, after\n    if False:",
    ),
    Bug("no_settling", "engine.guards", "    if left > 0:", "    if left > 1e9:"),
    Bug(
        "gap_is_forgotten",
        "engine.guards",
        "    if snapshot.missing:\n        known_since = None\n",
        "",
    ),
    Bug(
        "settled_too_soon",
        "engine.guards",
        "max(shortest, down_window_seconds(snapshot.fleet.behavior))",
        "min(shortest, down_window_seconds(snapshot.fleet.behavior))",
    ),
    Bug(
        "collapse_is_believed",
        "engine.guards",
        "return elapsed > longest or collapsed",
        "return elapsed > longest",
    ),
    Bug(
        "missed_ticks_are_no_gap",
        "engine.guards",
        "return elapsed > longest or collapsed",
        "return collapsed",
    ),
    Bug(
        "cycle_cap_ignored",
        "engine.guards",
        "min(per_cycle, per_hour - taken)",
        "per_hour - taken",
    ),
    Bug(
        "hour_cap_ignored",
        "engine.guards",
        "min(per_cycle, per_hour - taken)",
        "per_cycle",
    ),
    Bug(
        "shrinks_are_not_remembered",
        "engine.history",
        "guard = self.guard.shrunk(now, before - after) if after < before else self.guard",
        "guard = self.guard",
    ),
    Bug(
        "guard_is_advice",
        "engine.decide",
        "if held is not None and not _overruled(held, override):",
        "if held is not None and override is not None:",
    ),
    Bug(
        "window_is_advice",
        "engine.decide",
        "_limited(snapshot, history, steps[-1].after, asked.ceiling)",
        "_limited(snapshot, history, asked.replicas, asked.ceiling)",
    ),
    Bug(
        "unknown_policy_is_zero",
        "engine.recommend",
        "    if not told:\n",
        "    if False:\n",
    ),
    Bug(
        "recommendations_are_not_logged",
        "engine.decide",
        "return decision, replace(after, guard=memory)",
        "return decision, replace(history, guard=memory)",
    ),
    Bug(
        "down_window_is_the_up_window",
        "engine.stabilization",
        "up_cutoff, down_cutoff = now - windows.up, now - windows.down",
        "up_cutoff, down_cutoff = now - windows.up, now - windows.up",
    ),
    Bug(
        "latest_instead_of_highest",
        "engine.stabilization",
        "if logged.at > down_cutoff and logged.replicas > highest:",
        "if logged.at > down_cutoff:",
    ),
    Bug(
        "up_limit_ignored",
        "engine.limits",
        "if allowed < min(bounds.most, proposed):",
        "if False:",
    ),
    Bug(
        "down_limit_ignored",
        "engine.limits",
        "if allowed > max(bounds.least, proposed):",
        "if False:",
    ),
    Bug(
        "earlier_changes_do_not_count",
        "engine.history",
        "return sum(event.replicas for event in events if event.at > cutoff)",
        "return 0",
    ),
    Bug(
        "period_of_a_second",
        "engine.history",
        "cutoff = now - period_seconds",
        "cutoff = now - 1",
    ),
    Bug(
        "clock_goes_back_and_history_stays",
        "engine.history",
        "back = max(0.0, (guard.last_tick_at or 0.0) - now)",
        "back = 0.0",
    ),
    Bug(
        "no_maximum",
        "engine.limits",
        "return _clamped(proposed, max(bounds.least, min(proposed, bounds.most)), bounds)",
        "return _clamped(proposed, max(bounds.least, proposed), bounds)",
    ),
    Bug(
        "no_minimum",
        "engine.limits",
        "return _clamped(proposed, max(bounds.least, min(proposed, bounds.most)), bounds)",
        "return _clamped(proposed, min(proposed, bounds.most), bounds)",
    ),
    Bug(
        "after_a_bug_as_before",
        "reconciler",
        '"""The record of a turn that ended in a bug."""\n        self._doubt()',
        '"""The record of a turn that ended in a bug."""',
    ),
    Bug(
        "unread_target_is_no_gap",
        "reconciler",
        "        self._doubt()\n        decision",
        "        decision",
    ),
)
