"""Policy `slo`: the fewest workers with which tasks start in time, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from autoscaler.interfaces import Context
from autoscaler.model import Forecast, Objective
from autoscaler.policies.slo import Slo, SloOptions
from tests.records import NOW, replica, seen

SLOTS = {"slots_per_replica": 8, "demand_tasks": 0}


def recommend(forecast, *replicas, samples=SLOTS):
    snapshot = replace(seen(*replicas, samples=samples), forecast=forecast)
    return Slo(SloOptions(), Context("slo")).recommend(snapshot)


def forecast(busy=0, queued=0, needed=None, expected=0.0):
    needed = busy + queued if needed is None else needed
    return Forecast(busy, queued, needed, expected, NOW)


def test_the_sentence_has_all_parts():
    found = recommend(forecast(12, 9, expected=34))
    assert (found.policy, found.replicas, found.reason) == ("slo", 7, "Forecast")
    assert found.message == "12 busy + 9 queued + 34 expected by 13:46:40 UTC -> 7 of 8 slots each"
    assert found.active
    assert found.planned


def test_what_is_spared_is_said():
    found = recommend(replace(forecast(12), spare=4.4))
    assert (found.replicas, found.message) == (3, "12 busy + 4 to spare -> 3 of 8 slots each")


def test_parts_that_are_not_there_are_not_said():
    found = recommend(forecast(12))
    assert (found.replicas, found.message) == (2, "12 busy -> 2 of 8 slots each")
    assert not found.planned


def test_short_tasks_share_slots():
    found = recommend(forecast(12, 60, needed=17))
    assert (found.replicas, found.message) == (
        3,
        "12 busy + 60 queued in 17 slots -> 3 of 8 slots each",
    )


def test_no_work_asks_for_nothing():
    found = recommend(forecast())
    assert (found.replicas, found.active) == (0, False)


def test_a_hair_above_is_no_other_worker():
    assert recommend(forecast(needed=16 + 1e-9)).replicas == 2


def test_without_demand_it_cannot_tell():
    found = recommend(None, replica("a"), samples={})
    assert (found.replicas, found.reason) == (None, "SampleMissing")
    assert "demand_tasks" in found.message


def test_slots_that_nobody_told():
    found = recommend(forecast(3), replica("a"), samples={})
    assert (found.replicas, found.reason) == (None, "SlotsUnknown")
    first = recommend(forecast(0, 3), samples={})
    assert (first.replicas, first.active) == (1, True)
    assert first.message == "3 queued, and with no worker nobody knows what one can take"
    assert recommend(forecast(), samples={}).replicas == 0


def test_the_objective_is_what_the_options_say():
    options = SloOptions(start_within_seconds=120, quantile=0.9)
    assert Slo.objective(options) == Objective(120, 0.9)


@pytest.mark.parametrize("wrong", [{"quantile": 1}, {"quantile": 0.2}, {"start_within_seconds": 0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        SloOptions(**wrong)


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e3))
def test_more_demand_never_asks_for_fewer(needed, expected, more):
    least = recommend(forecast(needed=needed, expected=expected)).replicas
    assert recommend(forecast(needed=needed + more, expected=expected)).replicas >= least
    assert recommend(forecast(needed=needed, expected=expected + more)).replicas >= least
    assert least * 8 >= needed + expected - 1e-3
