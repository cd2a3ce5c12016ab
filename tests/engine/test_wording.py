"""Numbers and times as people say them."""

import pytest

from autoscaler.engine.wording import clock_time, count, sentence, span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3599, "59 min"),
        (3900, "1 h 05 min"),
        (86_400, "24 h 00 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_span(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_the_rest() -> None:
    assert clock_time(0) == "00:00:00 UTC"
    assert count(1, "task") == "1 task"
    assert count(0, "task") == "0 tasks"
    assert sentence("nothing to do. ") == "nothing to do."
    assert sentence("is it running?") == "is it running?"
