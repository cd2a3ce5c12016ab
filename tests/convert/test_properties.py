"""Whatever stands where in a manifest: a fault with its line, or a config, never a crash."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.convert.input import Text, convert
from autoscaler.convert.writing import written
from autoscaler.errors import ConfigError

EXAMPLES = Path(__file__).parent.parent / "testdata" / "convert"
DOCUMENTS = [
    document
    for name in ("hpa", "scaledobjects", "official-chart", "community-chart")
    for document in yaml.safe_load_all((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["1e3", "0x1F", "a: b", "{x}", "  ", "\n", "é", "\x06\x16", "500m", "-1", "*/5"]
    ),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just([[1]]),
    st.just({"name": {"a": 1}}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [*([path] if path else []), *(p for k, v in inner for p in places(v, (*path, k)))]


@st.composite
def mangled(draw: st.DrawFn) -> dict[str, Any]:
    """An example with up to three values replaced."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(document)))
        place = document
        for key in path:
            place = place[key]
        place[last] = copy.deepcopy(draw(ODD))
    return document


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mangled())
def test_a_config_or_faults(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    printed, faults = outcome(Text("odd.yaml", text))
    assert all(fault.startswith("odd.yaml:") for fault in faults)
    for fleet in (yaml.safe_load(printed) or {}).get("fleets", ()):
        assert fleet["max_replicas"] >= fleet["min_replicas"] >= 0


def outcome(text: Text) -> tuple[str, tuple[str, ...]]:
    """What is printed, or the faults."""
    try:
        return written(convert([text], "airflow")), ()
    except ConfigError as error:
        return "", error.faults
