"""Bugs in what is believed: unknown, impossible, stale and doubled readings."""

from __future__ import annotations

from tests.simulation.mutants.bug import Bug

READINGS = (
    Bug(
        "impossible_depth_is_zero",
        "engine.screening",
        'faults[f"{name}/{key}"] = f"an impossible reading: {queue}"',
        "queues[key] = replace(queue, waiting=0, oldest_age_seconds=None)",
    ),
    Bug(
        "negative_is_plausible",
        "engine.screening",
        "and 0 <= value <= ABSURD",
        "and value <= ABSURD",
    ),
    Bug("huge_is_plausible", "engine.screening", "and 0 <= value <= ABSURD", "and 0 <= value"),
    Bug(
        "readings_from_the_future",
        "engine.screening",
        "if observation.at > now + FUTURE_SECONDS:",
        "if observation.at > now + 10 * 3600.0:",
    ),
    Bug(
        "readings_of_an_hour_ago",
        "engine.screening",
        "elif not observation.at >= now - STALE_SECONDS:",
        "elif observation.at < now - 60 * STALE_SECONDS:",
    ),
    Bug(
        "impossible_worker_is_believed",
        "engine.screening",
        "return counts_ok and worker.seen_at",
        "return worker.seen_at",
    ),
    Bug(
        "twins_are_believed",
        "engine.screening",
        "doubtful |= state.duplicates & state.workers.keys()",
        "pass",
    ),
    Bug(
        "unread_queue_is_not_missing",
        "engine.demand",
        "if queue not in snapshot.queues or _faults_of(queue, snapshot):",
        "if _faults_of(queue, snapshot):",
    ),
    Bug(
        "unread_queue_counts_as_empty",
        "engine.fleet_samples",
        "if len(queues) < len(fleet.queues):",
        "if False:",
    ),
    Bug(
        "unread_workers_are_not_missing",
        "engine.demand",
        "for source in snapshot.worker_sources & snapshot.missing.keys():",
        "for source in ():",
    ),
    Bug(
        "untold_load_is_none",
        "engine.demand",
        "missing.update(_unanswering(fleet, replicas, snapshot.now))",
        "pass",
    ),
    Bug(
        "stale_load_is_believed",
        "engine.demand",
        "elif age > STALE_SECONDS and not replica.silent:",
        "elif age > 100 * STALE_SECONDS and not replica.silent:",
    ),
    Bug(
        "nobody_is_silent",
        "engine.demand",
        "silent = worker.offline or snapshot.now - worker.seen_at > patience",
        "silent = False",
    ),
    Bug(
        "fetched_tasks_are_no_demand",
        "engine.fleet_samples",
        "for queue in queues) + fetched",
        "for queue in queues)",
    ),
    Bug(
        "running_tasks_are_no_demand",
        "engine.fleet_samples",
        'yield Sample("demand_tasks", waiting + running, now)',
        'yield Sample("demand_tasks", waiting, now)',
    ),
    Bug(
        "source_error_is_swallowed",
        "polling",
        "except (SourceError, TargetError) as error:\n            missing[name] = str(error)",
        "except (SourceError, TargetError):\n            pass",
    ),
    Bug(
        "source_timeout_is_swallowed",
        "polling",
        'missing[name] = f"no answer within {self._patience_seconds:g} s"',
        "pass",
    ),
    Bug(
        "polls_wait_for_ever",
        "polling",
        "async with asyncio.timeout(self._patience_seconds):",
        "async with asyncio.timeout(None):",
    ),
    Bug(
        "yesterdays_snapshot",
        "controller",
        "self._snapshot = snapshot = await self._polling.observe(now)",
        "snapshot, self._snapshot = self._snapshot, await self._polling.observe(now)",
    ),
    Bug(
        "first_look_trusts_silence",
        "engine.hearing",
        "unseen = self.deaf and unit.phase is not UnitPhase.PENDING",
        "unseen = False",
    ),
    Bug(
        "starting_units_are_unused",
        "engine.hearing",
        "(self.anyone and overdue)",
        "self.anyone",
    ),
    Bug(
        "old_news_proves_silence",
        "engine.demand",
        "certain = past.hearing if listening else NOTHING",
        "certain = past.hearing",
    ),
    Bug(
        "deafness_is_forgotten",
        "engine.hearing",
        "deaf=self.deaf or not snapshot.listening",
        "deaf=self.deaf",
    ),
    Bug(
        "answers_are_forgotten",
        "reconciler",
        "self.memory.hearing = self.memory.hearing.met(met, snapshot.now)",
        "pass",
    ),
    Bug(
        "what_was_heard_is_forgotten",
        "engine.hearing",
        "if replica.worker is not None or self._may_have_worked(identity, replica.unit)",
        "if replica.worker is not None",
    ),
    Bug(
        "silence_of_all_is_absence",
        "engine.hearing",
        "(self.anyone and overdue)",
        "overdue",
    ),
)
