"""The schema for editors says what the daemon accepts, kind by kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler import registry
from autoscaler.config import load, schema
from autoscaler.document import compose
from autoscaler.interfaces import Check, Notifier, Policy, Source, Target
from tests.config.json_schema import conforms
from tests.config.test_behavior import HPA, OWN

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
SCHEMA = schema()
FLEET = SCHEMA["$defs"]["FleetConfig"]["properties"]
PLACES = {
    Source: SCHEMA["properties"]["sources"]["additionalProperties"],
    Notifier: SCHEMA["properties"]["notifiers"]["items"],
    Policy: FLEET["policies"]["items"],
    Target: FLEET["target"],
}


def minimal(**changes: Any) -> dict[str, Any]:
    fleet = {"name": "default", "target": {"kind": "simulated"}, "max_replicas": 2}
    return {"fleets": [{**fleet, **changes.pop("fleet", {})}], **changes}


def test_it_is_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["required"] == ["fleets"]
    assert SCHEMA["additionalProperties"] is False


@pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind.__name__)
def test_every_kind_has_its_options(kind: Any) -> None:
    *built_in, outside = PLACES[kind]["oneOf"]
    assert [each["properties"]["kind"]["const"] for each in built_in] == sorted(
        registry.KINDS[kind]
    )
    assert all(each["additionalProperties"] is False for each in built_in)
    assert outside["properties"]["kind"] == {"type": "string", "pattern": r"^[\w.]+:\w+$"}


def test_checks_are_keyed_by_name() -> None:
    assert SCHEMA["properties"]["checks"]["properties"].keys() == registry.KINDS[Check].keys()
    assert conforms(minimal(checks={"source_down": {"enabled": False}}), SCHEMA, SCHEMA)
    assert not conforms(minimal(checks={"source_down": {"enabledd": False}}), SCHEMA, SCHEMA)
    assert not conforms(minimal(checks={"source_dwn": {}}), SCHEMA, SCHEMA)


def test_every_key_is_described() -> None:
    for name, described in SCHEMA["properties"].items():
        assert described["description"], name
    for name, described in FLEET.items():
        assert described["description"], name


@pytest.mark.parametrize("written", [OWN, HPA, None], ids=["own", "hpa", "null"])
def test_behavior_in_either_spelling(written: Any) -> None:
    assert conforms(minimal(fleet={"behavior": written}), SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        minimal(dry_runs=True),
        minimal(dry_run="yes"),
        minimal(fleet={"max_replicas": "2"}),
        minimal(fleet={"target": {"kind": "simulatd"}}),
        minimal(fleet={"target": {"kind": "simulated", "speed": 1}}),
        minimal(fleet={"behavior": {"scaleUpp": {}}}),
        minimal(fleet={"policies": [{"kind": "step", "sample": "x"}]}),
        minimal(notifiers=[{}]),
    ],
)
def test_what_is_broken_does_not_conform(broken: dict[str, Any]) -> None:
    assert not conforms(broken, SCHEMA, SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_load_and_conform(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("AUTOSCALER_TOKEN", "a" * 20)
    assert load(path).warnings() == ()
    written = compose(path.read_text(encoding="utf-8"), path.name).root.plain()
    assert conforms(written, SCHEMA, SCHEMA)


def test_there_are_examples() -> None:
    assert {"autoscaler", "minimal"} <= {path.stem for path in EXAMPLES}


def test_a_kind_that_cannot_be_imported_has_no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.NOTIFIERS, "absent", "no.such.module:Absent")
    kinds = schema()["properties"]["notifiers"]["items"]["oneOf"]
    assert {
        "title": "absent",
        "properties": {"kind": {"const": "absent"}},
        "required": ["kind"],
    } in kinds
