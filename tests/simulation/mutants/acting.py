"""Bugs in acting and remembering: verification, order, leadership, fences, outcomes."""

from __future__ import annotations

from tests.simulation.mutants.bug import Bug

ACTING = (
    Bug(
        "not_verified",
        "actuator",
        "            if not worker.drained:\n                return _what_it_holds(worker)\n",
        "",
    ),
    Bug(
        "verified_once",
        "actuator",
        "EMPTY_REPLIES = 2",
        "EMPTY_REPLIES = 1",
    ),
    Bug(
        "silence_is_emptiness",
        "actuator",
        'return "" if action.unheard else f"it does not answer: {error}"',
        'return ""',
    ),
    Bug(
        "busy_ones_go_too",
        "actuator",
        "return waiting + await self._batch(leaving, self._target.remove)",
        "return await self._batch(actions, self._target.remove)",
    ),
    Bug("drains_are_not_marked", "actuator", "if mark != drain:", "if False:"),
    Bug(
        "cancelled_before_marked",
        "actuator",
        "        if mark != drain:\n            await self._target.mark(action, mark)\n"
        "        if control := self._control_for(action):\n"
        "            await control.cancel_consumers(action.worker, action.queues)\n",
        "        if control := self._control_for(action):\n"
        "            await control.cancel_consumers(action.worker, action.queues)\n"
        "        if mark != drain:\n            await self._target.mark(action, mark)\n",
    ),
    Bug(
        "told_whoever_leads_by_now",
        "actuator",
        "if control is not None and (refusal := self._may_act(action.fence.term)) is not None:",
        "if control is not None and (refusal := None) is not None:",
    ),
    Bug(
        "consumers_are_not_cancelled",
        "actuator",
        "await control.cancel_consumers(action.worker, action.queues)",
        "pass",
    ),
    Bug(
        "resumed_before_unmarked",
        "actuator",
        "        await self._target.mark(action, None)\n"
        "        if control := self._control_for(action):\n"
        "            await control.add_consumers(action.worker, action.queues)\n",
        "        if control := self._control_for(action):\n"
        "            await control.add_consumers(action.worker, action.queues)\n"
        "        await self._target.mark(action, None)\n",
    ),
    Bug(
        "resumed_without_queues",
        "actuator",
        "await control.add_consumers(action.worker, action.queues)",
        "pass",
    ),
    Bug(
        "resumed_under_its_mark",
        "actuator",
        "        await self._target.mark(action, None)\n",
        "",
    ),
    Bug(
        "one_effects_bug_ends_the_turn",
        "actuator",
        "except Exception as error:  # noqa: BLE001 - what was done",
        "except LookupError as error:  # what was done",
    ),
    Bug(
        "anybody_acts",
        "actuator",
        "if (refusal := self._may_act(actions[0].fence.term)) is not None:",
        "if (refusal := None) is not None:",
    ),
    Bug(
        "effects_wait_for_ever",
        "actuator",
        "async with asyncio.timeout(self._timeout_seconds):\n                await effect(actions)",
        "async with asyncio.timeout(None):\n                await effect(actions)",
    ),
    Bug(
        "failed_is_applied",
        "actuator",
        "            return Result.FAILED, str(error)\n",
        "            return Result.APPLIED, str(error)\n",
    ),
    Bug(
        "refused_is_applied",
        "actuator",
        "return Result.REFUSED, str(error)",
        "return Result.APPLIED, str(error)",
    ),
    Bug(
        "timed_out_is_applied",
        "actuator",
        'return Result.FAILED, f"no answer within',
        'return Result.APPLIED, f"no answer within',
    ),
    Bug(
        "leader_by_itself",
        "controller",
        "        if not leads or self.leadership.term != term:\n"
        "            return Result.NOT_LEADER\n",
        "",
    ),
    Bug(
        "dry_run_acts",
        "controller",
        "if self.config.dry_run or fleet",
        "if fleet",
    ),
    Bug(
        "reload_forgets",
        "controller",
        "here = {fleet.name: before.get(fleet.name, Memory()) for fleet in self.fleets}",
        "here = {fleet.name: Memory() for fleet in self.fleets}",
    ),
    Bug(
        "one_fleets_bug_is_all_fleets",
        "controller",
        "except Exception as error:  # noqa: BLE001 - one fleet's bug",
        "except LookupError as error:  # one fleet's bug",
    ),
    Bug(
        "one_plugins_bug_is_the_end",
        "polling",
        "except Exception as error:  # noqa: BLE001 - one plugin's bug",
        "except ArithmeticError as error:  # one plugin's bug",
    ),
    Bug(
        "fleets_wait_for_each_other",
        "controller",
        "name: turns.create_task(self._turn(reconciler, views[name]))\n"
        "                for name, reconciler in self._reconcilers.items()\n",
        "name: turns.create_task(self._turn(reconciler, views[name]))\n"
        "                for name, reconciler in list(self._reconcilers.items())[:1]\n",
    ),
    Bug(
        "plan_of_the_last_tick",
        "reconciler",
        "actions = self._plan(snapshot, decision.desired)",
        "fresh = self._plan(snapshot, decision.desired)\n"
        "        actions, self._kept = getattr(self, '_kept', ()), fresh",
    ),
    Bug(
        "sequence_stands_still",
        "reconciler",
        "        memory.sequence += len(actions)\n        return actions",
        "        return actions",
    ),
    Bug(
        "always_the_first_term",
        "reconciler",
        "Fence(term, memory.sequence + 1)",
        "Fence(1, memory.sequence + 1)",
    ),
    Bug("new_terms_act_at_once", "reconciler", "        if first:\n", "        if False:\n"),
    Bug(
        "pause_ignored",
        "reconciler",
        "if override is not None and override.replicas is None:",
        "if False:",
    ),
    Bug(
        "paused_too_late",
        "controller",
        "return Result.PAUSED if override and override.replicas is None else None",
        "return None",
    ),
    Bug(
        "failed_drains_do_not_count",
        "reconciler",
        "and outcome.result in (Result.APPLIED, *UNSURE)",
        "and outcome.result is Result.APPLIED",
    ),
    Bug(
        "unanswered_adds_do_not_count",
        "reconciler",
        "self._read_back(snapshot)",
        "pass",
    ),
    Bug(
        "unread_target_is_an_empty_one",
        "reconciler",
        'if f"target/{self.fleet.name}" in snapshot.missing:',
        "if False:",
    ),
    Bug(
        "override_is_for_ever",
        "overrides",
        "return override.expires_at is not None and override.expires_at <= now",
        "return False",
    ),
    Bug(
        "stale_actions_are_done",
        "clients.units.rules",
        "        if action.fence <= newest:\n",
        "        if False:\n",
    ),
    Bug(
        "stale_units_are_created",
        "clients.units.rules",
        "        if action.fence <= self.fleet:\n",
        "        if False:\n",
    ),
    Bug(
        "older_terms_are_obeyed",
        "clients.units.rules",
        "if action.fence.term < self.fleet.term:",
        "if False:",
    ),
    Bug(
        "removed_without_a_mark",
        "clients.units.rules",
        "if units[action.unit].drain is None:",
        "if False:",
    ),
    Bug(
        "target_has_no_maximum",
        "clients.units.rules",
        "if more and present + more > maximum:",
        "if False:",
    ),
    Bug(
        "created_twice",
        "clients.units.rules",
        "    if unit is None or unit.phase is UnitPhase.FAILED:\n        return False\n",
        "    if unit is None or unit.drain is None:\n        return False\n",
    ),
)
