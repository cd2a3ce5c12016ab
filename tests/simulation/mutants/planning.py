"""Bugs in plans: who comes, who leaves, in which order and under which name."""

from __future__ import annotations

from tests.simulation.mutants.bug import Bug

PLANNING = (
    Bug(
        "drain_skipped",
        "engine.scale_in",
        'yield _tell(ActionKind.DRAIN, replica, snapshot, f"{excess} too many")',
        "yield Wish(ActionKind.REMOVE, replica.name, '', worker=replica.unit.worker)",
    ),
    Bug(
        "leaving_while_blind",
        "engine.scale_in",
        "    if not snapshot.missing:\n",
        "    if True:\n",
    ),
    Bug(
        "never_resumed",
        "engine.scale_in",
        "able = [r for r in snapshot.replicas if _resumable(r)]",
        "able = []",
    ),
    Bug(
        "shield_ignored",
        "engine.scale_in",
        "candidates = [replica for replica in serving if not replica.unit.shielded]",
        "candidates = list(serving)",
    ),
    Bug(
        "busiest_first",
        "engine.scale_in",
        "rank = 2 if held == 0 else 3",
        "rank = 3 if held == 0 else 2",
    ),
    Bug(
        "any_ordinal",
        "engine.scale_in",
        "serving.sort(key=lambda replica: -(replica.unit.ordinal or 0))",
        "serving.sort(key=lambda replica: replica.unit.ordinal or 0)",
    ),
    Bug(
        "removed_while_busy",
        "engine.scale_in",
        "return not replica.silent and replica.worker.drained",
        "return not replica.silent",
    ),
    Bug(
        "removed_while_silent",
        "engine.scale_in",
        "return not replica.silent and replica.worker.drained",
        "return replica.worker.drained",
    ),
    Bug(
        "forgotten_is_never_heard",
        "engine.scale_in",
        "        return replica.unheard\n",
        "        return True\n",
    ),
    Bug(
        "max_draining_ignored",
        "engine.scale_in",
        "free = snapshot.fleet.drain.max_draining - len(on_their_way_out(snapshot))",
        "free = excess",
    ),
    Bug(
        "one_victim_too_many",
        "engine.scale_in",
        "choose(snapshot, max(0, min(excess, free)))",
        "choose(snapshot, max(0, min(excess + (excess > 0), free)))",
    ),
    Bug(
        "one_unit_too_many",
        "engine.scale_in",
        "_add(snapshot, missing_replicas - len(resumed), len(resumed))",
        "_add(snapshot, missing_replicas and missing_replicas + 1 - len(resumed), 0)",
    ),
    Bug(
        "draining_units_take_no_room",
        "engine.scale_in",
        "alive = sum(1 for r in snapshot.replicas if _alive(r))",
        "alive = snapshot.current",
    ),
    Bug(
        "create_retried_without_a_key",
        "engine.scale_in",
        "for number in count(1))",
        "for number in count(int(snapshot.now)))",
    ),
    Bug(
        "resumed_and_drained",
        "engine.scale_in",
        "staying = {wish.unit for wish in resumed}",
        "staying = set()",
    ),
    Bug(
        "drain_is_told_once",
        "engine.scale_in",
        'yield _tell(ActionKind.DRAIN, replica, snapshot, "it still takes tasks")',
        "pass",
    ),
    Bug(
        "mute_workers_stay_mute",
        "engine.scale_in",
        "revived = _revive(snapshot, staying.union(wish.unit for wish in leaving))",
        "revived = ()",
    ),
    Bug(
        "draining_units_serve",
        "model.fleet",
        "return self.unit.drain is None and self.unit.phase in (",
        "return self.unit.phase in (",
    ),
)
