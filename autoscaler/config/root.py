"""The whole configuration as one frozen record; what each key means is in its description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from autoscaler import registry
from autoscaler.config.behavior import HPA_SPELLING
from autoscaler.config.cross import (
    AIRFLOW_API_URL,
    AIRFLOW_URL,
    BROKER_URL,
    airflow_sources,
    cross_faults,
    default_sources,
    demand_source,
)
from autoscaler.config.faults import MAX_FAULTS, Fault, config_error, path_text
from autoscaler.config.fleet import FleetConfig
from autoscaler.config.plugin import (
    CheckConfig,
    ElectionConfig,
    NotifierConfig,
    PluginConfig,
    SourceConfig,
    plugin_config,
)
from autoscaler.config.sections import HttpConfig, JournalConfig, LogConfig
from autoscaler.config.wording import faults_of
from autoscaler.document import Location
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Check, CheckOptions, Options
from autoscaler.model import Fleet
from autoscaler.secret import Secret

_SOURCE_NAME = re.compile(r"[A-Za-z0-9][-_A-Za-z0-9]{0,62}")


def _checked_source_name(name: str) -> str:
    if not _SOURCE_NAME.fullmatch(name):
        raise ValueError(
            f"must be at most 63 letters, digits, '-' and '_', such as 'broker', not {name[:80]!r}"
        )
    return name


def _checked_fleets(fleets: tuple[FleetConfig, ...]) -> tuple[FleetConfig, ...]:
    if not fleets:
        raise ValueError("must hold at least one fleet")
    return fleets


def _named_checks(value: Any) -> Any:
    """A check without `kind` is of the kind that its name says."""
    if not isinstance(value, dict):
        return value
    return {
        name: {"kind": name, **check} if isinstance(check, dict) else check
        for name, check in value.items()
    }


def _by_name(schema: dict[str, Any]) -> None:
    """Tells editors that a check's name stands for its kind."""
    *built_in, outside = schema["additionalProperties"]["oneOf"]
    schema["properties"] = {check["title"]: {**check, "required": []} for check in built_in}
    schema["additionalProperties"] = outside


class Config(Options):
    """Everything the daemon is told. Validating raises ConfigError, with every fault in it."""

    interval_seconds: float = Field(
        default=5, ge=0.1, le=3600, strict=True, description="time from one tick to the next"
    )
    http: HttpConfig = Field(default_factory=HttpConfig, description="where the daemon answers")
    journal: JournalConfig = Field(
        default_factory=JournalConfig, description="its own record of what it saw and did"
    )
    log: LogConfig = Field(default_factory=LogConfig, description="what is logged, and how")
    state_directory: Path = Field(
        default=Path("autoscaler-state"), description="where what must survive a restart is kept"
    )
    leader: ElectionConfig = Field(
        default_factory=lambda: {"kind": "local"},
        validate_default=True,
        description="how several daemons agree on the one that acts; left out: by a lock on the"
        " state directory",
    )
    dry_run: bool = Field(
        default=False, strict=True, description="decide and tell, but change nothing"
    )
    sources: dict[Annotated[str, AfterValidator(_checked_source_name)], SourceConfig] = Field(
        default_factory=default_sources,
        validate_default=True,
        description=f"what is polled, by name; left out: the broker of ${BROKER_URL}, its workers, "
        f"and the Airflow of ${AIRFLOW_URL} and ${AIRFLOW_API_URL}",
    )
    fleets: Annotated[tuple[FleetConfig, ...], AfterValidator(_checked_fleets)] = Field(
        description="what is scaled"
    )
    checks: Annotated[dict[str, CheckConfig], BeforeValidator(_named_checks)] = Field(
        default_factory=dict,
        json_schema_extra=_by_name,
        description="tunes health checks by name; all built-in ones are on",
    )
    notifiers: tuple[NotifierConfig, ...] = Field(default=(), description="who is told of alerts")

    @model_validator(mode="wrap")
    @classmethod
    def _with_every_fault(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        faults = list(islice(cross_faults(data), MAX_FAULTS + 1))
        try:
            config = handler(data)
        except ValidationError as error:
            faults += faults_of(error, cls)
        else:
            faults += _misfits(config)
            if not faults and not (info.context and info.context.faults):
                return config
        raise config_error(faults, info.context, HPA_SPELLING)

    def engine_fleets(self, found: tuple[str, ...] = ()) -> tuple[Fleet, ...]:
        """The fleets as the engine knows them, in order.

        found: the queues of the fleet that names none, empty while they are not known.
        """
        airflow = airflow_sources(self.sources)
        return tuple(
            fleet.fleet(self.interval_seconds, demand_source(fleet, airflow), found)
            for fleet in self.fleets
        )

    def enabled_checks(self) -> dict[str, PluginConfig[Check[Any]]]:
        """Every check that runs, by name: the built-in ones and the config's own."""
        built_in = {
            name: plugin_config(Check, {"kind": name})
            for name in registry.CHECKS
            if name not in self.checks
        }
        return {
            name: check
            for name, check in (built_in | self.checks).items()
            if isinstance(check.options, CheckOptions) and check.options.enabled
        }

    def warnings(self) -> tuple[str, ...]:
        """What is allowed but unwise, one `path: message` each."""
        return tuple(
            f"{path_text(location)}: {exposure}"
            for location, secret in _secrets(self, ())
            if (exposure := secret.exposure())
        )


def _misfits(config: Config) -> Iterator[Fault]:
    """Targets whose options do not suit their fleet."""
    for index, (spec, fleet) in enumerate(zip(config.fleets, config.engine_fleets(), strict=True)):
        try:
            spec.target.plugin.fit(spec.target.options, fleet)
        except ConfigError as error:
            yield ("fleets", index, "target"), str(error)


def _secrets(value: Any, location: Location) -> Iterator[tuple[Location, Secret]]:
    if isinstance(value, Secret):
        yield location, value
    elif isinstance(value, PluginConfig):
        yield from _secrets(value.options, location)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name), (*location, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, (*location, key))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _secrets(item, (*location, index))
