"""After launches that fail the next waits, longer each time, until one lasts."""

import pytest

from autoscaler.clients.units.launches import Launches

NOW = 1000.0


def test_without_failures_nothing_waits():
    assert Launches().wait_seconds(NOW) == 0


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (5000, 300)]
)
def test_the_wait_doubles_up_to_five_minutes(failures, seconds):
    launches = Launches(failures, NOW, "x")
    assert launches.wait_seconds(NOW) == seconds
    assert launches.wait_seconds(NOW + seconds - 1) == 1
    assert launches.wait_seconds(NOW + seconds) == 0


def test_a_clock_set_back_makes_the_wait_no_longer():
    assert Launches(1, NOW, "x").wait_seconds(NOW - 3600) == 5


def test_failures_add_up_and_keep_the_last():
    launches = Launches().failed(NOW, "first").failed(NOW + 9, "second")
    assert launches == Launches(2, NOW + 9, "second")


@pytest.mark.parametrize(
    ("created_at", "now", "failures"),
    [(NOW, NOW + 30, 0), (NOW, NOW + 29, 3), (NOW - 1, NOW + 30, 3)],
)
def test_only_a_unit_that_was_started_since_and_lasts_ends_it(created_at, now, failures):
    assert Launches(3, NOW, "x").seen_running(created_at, now).failures == failures
