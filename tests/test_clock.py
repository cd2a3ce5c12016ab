"""The clock advances by monotonic time; wall clock jumps are told and, once stable, taken."""

import pytest

from autoscaler.clock import JUMP_SECONDS, STABLE_SECONDS, Clock


class Hands:
    """Two clocks that the test moves by hand."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.monotonic = 500.0

    def pass_seconds(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> Clock:
    return Clock(lambda: hands.wall, lambda: hands.monotonic)


def test_by_default_it_tells_the_time_of_day():
    first, second = Clock().now(), Clock().now()
    assert 1_700_000_000 < first <= second < first + JUMP_SECONDS


def test_it_advances_with_monotonic_time(hands, clock):
    hands.pass_seconds(42)
    assert clock.now() == 1_700_000_042
    assert clock.jump_seconds == 0


@pytest.mark.parametrize("jump", [-3600.0, -2.5, 2.5, 3600.0])
def test_a_jump_is_told_and_not_followed_at_once(hands, clock, jump):
    hands.wall += jump
    hands.pass_seconds(5)
    assert clock.now() == 1_700_000_005
    assert clock.jump_seconds == pytest.approx(jump)
    assert clock.anchors == 1


def test_a_slewed_clock_has_not_jumped(hands, clock):
    hands.wall += 1.9
    assert clock.now() == 1_700_000_000
    assert clock.jump_seconds == 0


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_jump_that_lasts_is_taken_over(hands, clock, jump):
    hands.wall += jump
    clock.now()
    hands.pass_seconds(STABLE_SECONDS - 0.5)
    assert clock.now() == 1_700_000_000 + STABLE_SECONDS - 0.5
    hands.pass_seconds(0.5)
    assert clock.now() == hands.wall
    assert (clock.jump_seconds, clock.anchors) == (0, 2)
    hands.pass_seconds(5)
    assert clock.now() == hands.wall


def test_a_jump_that_is_taken_back_leaves_nothing(hands, clock):
    hands.wall += 3600
    clock.now()
    hands.pass_seconds(30)
    hands.wall -= 3600
    assert clock.now() == 1_700_000_030
    assert clock.jump_seconds == 0
    hands.pass_seconds(STABLE_SECONDS)
    assert clock.now() == hands.wall
    assert clock.anchors == 1


def test_a_second_jump_starts_the_wait_anew(hands, clock):
    hands.wall += 3600
    clock.now()
    hands.pass_seconds(50)
    hands.wall += 600
    clock.now()
    hands.pass_seconds(50)
    assert clock.now() == 1_700_000_100
    assert clock.jump_seconds == 4200
    hands.pass_seconds(10)
    assert clock.now() == hands.wall
