"""The config as a whole: defaults, embedding, warnings, and what is between two values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoscaler.config import Config, FleetConfig, PluginConfig, parse
from autoscaler.engine.behavior import LEARNED_BEHAVIOR
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Context, Options
from autoscaler.model import DrainRules, Fleet, Objective
from tests.fakes import FakeBroker, FakeTarget

BROKER_URL = "AUTOSCALER_BROKER_URL"
FLEET: dict[str, Any] = {
    "name": "default",
    "queues": [],
    "target": {"kind": "simulated"},
    "max_replicas": 4,
    "policies": [{"kind": "expression", "expression": "1"}],
}
SOURCES: dict[str, Any] = {
    "broker": {"kind": "tests.fakes:FakeBroker", "world": "a"},
    "workers": {"kind": "tests.fakes:FakeWorkers", "world": "a"},
}


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BROKER_URL, raising=False)
    monkeypatch.delenv("AUTOSCALER_AIRFLOW_DATABASE_URL", raising=False)
    monkeypatch.delenv("AUTOSCALER_AIRFLOW_API_URL", raising=False)


def config(**changes: Any) -> Config:
    return Config.model_validate({"fleets": [FLEET], **changes})


def faults(**changes: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config(**changes)
    return caught.value.faults


def test_defaults() -> None:
    made = config()
    assert made.interval_seconds == 5
    assert (made.http.host, made.http.port, made.http.token) == ("127.0.0.1", 9180, None)
    assert made.journal.path == Path("autoscaler.db")
    assert (made.journal.keep_days, made.journal.max_megabytes) == (30, 512)
    assert (made.log.format, made.log.level) == ("auto", "info")
    assert made.state_directory == Path("autoscaler-state")
    assert (made.dry_run, made.sources, made.checks, made.notifiers) == (False, {}, {}, ())
    assert made.warnings() == ()


def test_a_fleet_is_what_the_engine_knows() -> None:
    fleet = {**FLEET, "queues": ["a", "b"], "slots_per_replica": 8, "min_replicas": 2}
    made = config(fleets=[{**fleet, "drain": {"max_draining": 2}}], sources=SOURCES)
    assert made.fleets[0].fleet(made.interval_seconds) == Fleet(
        name="default",
        queues=("a", "b"),
        slots_per_replica=8,
        min_replicas=2,
        max_replicas=4,
        behavior=None,
        drain=DrainRules(max_draining=2),
        interval_seconds=5,
    )


def test_policies_left_out_are_the_objective_to_start_in_time() -> None:
    fleet = {key: value for key, value in FLEET.items() if key != "policies"}
    made = config(fleets=[{**fleet, "queues": ["a"]}], sources=SOURCES)
    (policy,) = made.fleets[0].policies
    assert policy.kind == "slo"
    assert policy.options == policy.plugin.options_type()
    assert made.engine_fleets()[0].objective == Objective(30, 0.95)
    assert made.engine_fleets()[0].behavior is LEARNED_BEHAVIOR


def test_a_behavior_that_is_given_is_kept_beside_slo() -> None:
    fleet = {**FLEET, "queues": ["a"], "policies": [{"kind": "slo"}]}
    behavior = {"scale_down": {"stabilization_window_seconds": 120}}
    [made] = config(fleets=[{**fleet, "behavior": behavior}], sources=SOURCES).engine_fleets()
    assert made.behavior is not None
    assert (made.behavior.learned, made.behavior.scale_down.stabilization_window_seconds) == (
        False,
        120,
    )


def test_three_lines_and_a_broker_are_a_config(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "fleets:\n"
        "  - {name: default, queues: [celery], max_replicas: 4,\n"
        "     target: {kind: local, command: [celery, -A, tasks, worker, -n, '{unit}@%h']}}\n"
    )
    monkeypatch.setenv(BROKER_URL, "redis://127.0.0.1:6379/0")
    assert {name: source.kind for name, source in parse(text).sources.items()} == {
        "broker": "redis_broker",
        "workers": "celery_workers",
    }
    monkeypatch.setenv(BROKER_URL, "amqp://127.0.0.1")
    assert parse(text).sources["broker"].kind == "rabbitmq_broker"


def test_airflow_needs_no_more_than_the_url_of_its_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(BROKER_URL, "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("AUTOSCALER_AIRFLOW_DATABASE_URL", "postgresql://ann@127.0.0.1/airflow")
    monkeypatch.setenv("AUTOSCALER_AIRFLOW_API_URL", "http://127.0.0.1:8080")
    made = config(fleets=[{**FLEET, "queues": ["default"], "demand": "airflow"}])
    assert made.sources["airflow"].kind == "airflow_database"
    assert made.sources["api"].kind == "airflow_api"
    assert made.engine_fleets()[0].airflow == "airflow"


def test_a_plugin_is_made_of_its_options() -> None:
    broker = config(sources=SOURCES).sources["broker"].make(Context("broker"))
    assert isinstance(broker, FakeBroker)
    assert (broker.options.world, broker.context.name) == ("a", "broker")


def test_a_program_may_hand_over_records() -> None:
    target = PluginConfig("simulated", FakeTarget, FakeTarget.options_type(world="a"))
    fleet = FleetConfig(target=target, queues=(), max_replicas=3, policies=FLEET["policies"])
    made = Config(fleets=(fleet,), sources={})
    assert made.fleets[0].target is target
    assert Config.model_validate(made) is made


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config().dry_run = True


def test_faults_of_a_mapping_have_paths_without_lines() -> None:
    assert faults(dry_runs=True, interval_seconds=0) == (
        "interval_seconds: must be at least 0.1, not 0",
        "dry_runs: unknown key; did you mean 'dry_run'?",
    )
    with pytest.raises(ConfigError, match=r"^config: must be a mapping of keys, not 'x'$"):
        Config.model_validate("x")


def test_faults_of_records_are_found_as_well() -> None:
    fleet = config().fleets[0]
    twice = (fleet, fleet.model_copy(update={"min_replicas": 9}))
    assert faults(fleets=twice) == (
        "fleets[1].name: fleets[0] is called 'default' already; choose another name",
        "fleets[1].min_replicas: 9 is more than max_replicas, 4; lower it or raise that",
    )


@pytest.mark.parametrize("key", ["a\nb", "a\x1b[31m", "k" * 5000])
def test_a_fault_is_one_short_printable_line(key: str) -> None:
    (fault,) = faults(**{key: 1})
    assert fault.isprintable()
    assert len(fault) < 650


def test_a_fault_never_shows_a_secret() -> None:
    url = "redis://user:hunter2@broker:99999/0"
    broken = {"kind": "redis_broker", "url": url, "quues": ["a"], "timeout_seconds": -1}
    assert "hunter2" not in "".join(faults(sources={"broker": broken}))


def test_listening_beyond_this_machine_needs_a_token() -> None:
    assert config(http={"listen": "localhost:0"}).http.port == 0
    assert config(http={"listen": "[::1]:80"}).http.host == "::1"
    assert config(http={"listen": "0.0.0.0:80", "token": "t" * 20}).http.host == "0.0.0.0"
    assert len(faults(http={"listen": "0.0.0.0:80"})) == 1


def test_sources_of_unknown_types_may_give_anything() -> None:
    anything = {"all": {"kind": f"{__name__}:Anything"}}
    assert config(fleets=[{**FLEET, "queues": ["a"]}], sources=anything).sources
    mysterious = {"all": {"kind": f"{__name__}:Mysterious"}}
    assert config(fleets=[{**FLEET, "queues": ["a"]}], sources=mysterious).sources


class Anything(FakeBroker):
    options_type = Options

    async def read(self, now):  # type: ignore[no-untyped-def]
        raise NotImplementedError


class Mysterious(Anything):
    async def read(self, now: float) -> NoSuchName:  # type: ignore[name-defined]  # noqa: F821
        raise NotImplementedError


def test_warnings_name_exposed_secrets(tmp_path: Path) -> None:
    private, public = tmp_path / "private", tmp_path / "public"
    for path, mode in ((private, 0o600), (public, 0o644)):
        path.write_text("secret")
        path.chmod(mode)
    made = config(
        http={"token": "literal"},
        sources={
            "a": {"kind": "redis_broker", "url": "redis://127.0.0.1"},
            "b": {"kind": "redis_broker", "url": "redis://:password@127.0.0.1"},
        },
        fleets=[
            {
                **FLEET,
                "target": {
                    "kind": "local",
                    "command": ["celery", "-A", "tasks", "worker"],
                    "env": {"A": {"file": str(private)}, "B": {"file": str(public)}},
                },
            }
        ],
    )
    literal = "a secret stands in the config; write {env: NAME} or {file: PATH}"
    assert made.warnings() == (
        f"http.token: {literal}",
        f"sources.b.url: {literal}",
        f"fleets[0].target.env.B: everybody on this machine can read {public}; chmod it to 600",
    )
    public.unlink()
    assert len(made.warnings()) == 2


def test_checks_are_on_unless_switched_off() -> None:
    every = config().enabled_checks()
    tuned = config(
        checks={
            "worker_silent": {"enabled": False},
            "source_down": {"for_seconds": 7},
            "source_down_soon": {"kind": "source_down", "for_seconds": 1},
        }
    ).enabled_checks()
    assert tuned.keys() == every.keys() - {"worker_silent"} | {"source_down_soon"}
    assert tuned["source_down"].options.for_seconds == 7
    assert tuned["source_down_soon"].plugin is every["source_down"].plugin


AIRFLOW: dict[str, Any] = {"kind": "tests.fakes:FakeAirflow", "world": "a"}


def test_an_airflow_database_knows_the_demand_of_every_fleet_with_queues() -> None:
    fleets = [
        {**FLEET, "queues": ["a"]},
        {**FLEET, "name": "celery", "queues": ["b"], "demand": "broker"},
        {**FLEET, "name": "others"},
    ]
    made = config(fleets=fleets, sources={**SOURCES, "metadata": AIRFLOW})
    assert [fleet.airflow for fleet in made.engine_fleets()] == ["metadata", None, None]
    assert [fleet.airflow for fleet in config().engine_fleets()] == [None]


def test_a_fleet_of_airflow_needs_no_broker_to_read() -> None:
    sources = {"workers": SOURCES["workers"], "airflow": AIRFLOW}
    fleet = {**FLEET, "queues": ["a"]}
    assert config(fleets=[fleet], sources=sources).engine_fleets()[0].airflow == "airflow"
    by_broker = faults(fleets=[{**fleet, "demand": "broker"}], sources=sources)
    assert "none of them reads the length of queues" in by_broker[0]


def test_of_two_airflows_a_fleet_must_say_which() -> None:
    sources = {**SOURCES, "one": AIRFLOW, "two": AIRFLOW}
    fleet = {**FLEET, "queues": ["a"]}
    [fault] = faults(fleets=[fleet], sources=sources)
    assert fault == "fleets[0]: must say whose its demand is: 'one' or 'two' or 'broker'"
    [fault] = faults(fleets=[{**fleet, "demand": "three"}], sources=sources)
    assert "is called 'three'; write 'one' or 'two' or 'broker'" in fault
    made = config(fleets=[{**fleet, "demand": "two"}], sources=sources)
    assert made.engine_fleets()[0].airflow == "two"
