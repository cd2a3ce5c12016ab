"""Manifests as people have them, each beside what `convert` prints; that is a sound config."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from autoscaler.config import parse
from autoscaler.convert.input import Conversion, Text, convert
from autoscaler.convert.writing import written

EXAMPLES = Path(__file__).parent.parent / "testdata" / "convert"
NAMES = ("hpa", "scaledobjects", "official-chart", "community-chart", "from-a-cluster")
NAMESPACE = "airflow"
URLS = {
    "redis_broker": "redis://b/0",
    "rabbitmq_broker": "amqp://b",
    "airflow_database": "mysql://d/a",
}


def converted(name: str) -> Conversion:
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    return convert([Text(f"{name}.yaml", text)], NAMESPACE)


def set_variables(conversion: Conversion, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in conversion.variables:
        monkeypatch.setenv(variable.name, "secret")
    for spec in conversion.sources.values():
        if spec["kind"] in URLS:
            monkeypatch.setenv(spec["url"]["env"], URLS[spec["kind"]])


@pytest.mark.parametrize("name", NAMES)
def test_printed(name: str) -> None:
    expected = (EXAMPLES / f"{name}.printed.yaml").read_text(encoding="utf-8")
    assert written(converted(name)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_a_sound_config(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    conversion = converted(name)
    set_variables(conversion, monkeypatch)
    config = parse(written(conversion))
    assert [fleet.name for fleet in config.fleets] == [f["name"] for f in conversion.fleets]


@pytest.mark.parametrize("name", NAMES)
def test_yaml_and_json_say_the_same(name: str) -> None:
    conversion = converted(name)
    assert yaml.safe_load(written(conversion)) == conversion.config()


def test_what_has_no_counterpart_is_told_and_gives_no_fleet() -> None:
    *_, stream = converted("scaledobjects").objects
    assert stream.fleet is None
    assert [note.kind for note in stream.notes][:1] == ["not translated"]


def test_several_files_are_one_config() -> None:
    texts = [
        Text(name, (EXAMPLES / f"{name}.yaml").read_text()) for name in ("hpa", "community-chart")
    ]
    assert len(convert(texts, NAMESPACE).fleets) == 3 + 1
