"""However much is wrong, a config is refused in less than a second, with few lines."""

from __future__ import annotations

import pytest

from autoscaler.config import parse
from autoscaler.config.faults import MAX_FAULTS
from autoscaler.errors import ConfigError
from tests.config.seconds import within_a_second

MANY = range(13_000)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"key{n}: 1\n" for n in MANY),
        "key: 1\n" * len(MANY),
        "fleets:\n" + "  - {name: a}\n" * len(MANY),
        "fleets: [{name: a, queues: [" + "q, " * len(MANY) + "]}]",
        "fleets: [{policies: [" + "{kind: x}, " * len(MANY) + "]}]",
        "fleets: [{behavior: {scaleUp: {policies: [" + "{type: x}, " * len(MANY) + "]}}}]",
        "fleets: [{target: {kind: simulated, " + "".join(f"k{n}: 1, " for n in MANY) + "}}]",
        "checks: {" + "".join(f"k{n}: 1, " for n in MANY) + "}",
    ],
    ids=["keys", "same_key", "fleets", "queues", "policies", "behavior", "options", "checks"],
)
def test_faults_are_many_but_told_fast(text: str) -> None:
    with within_a_second(), pytest.raises(ConfigError) as caught:
        parse(text)
    assert len(caught.value.faults) == MAX_FAULTS + 1
    assert caught.value.faults[-1] == "and more than these 100"
