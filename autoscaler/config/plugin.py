"""`{kind: NAME, ...options}`: which plugin, and its options checked by the plugin's own type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from autoscaler import registry
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Check, Context, Notifier, Options, Plugin, Policy, Source, Target

P = TypeVar("P", bound=Plugin[Any])


@dataclass(frozen=True, slots=True)
class PluginConfig(Generic[P]):
    """One plugin as the config asks for it."""

    kind: str
    plugin: type[P]
    options: Options

    def make(self, context: Context) -> P:
        """The plugin itself. Raises whatever its constructor raises."""
        return self.plugin(self.options, context)


@dataclass(frozen=True, slots=True)
class Checked:
    """Pydantic annotation: the value is `{kind: NAME, ...options}` of this type of plugin."""

    plugin_type: type[Plugin[Any]]

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> PluginConfig[Any]:
            if isinstance(value, PluginConfig):
                return value
            return plugin_config(self.plugin_type, value)

        return core_schema.no_info_plain_validator_function(check)


SourceConfig = Annotated[PluginConfig[Source[Any]], Checked(Source)]
PolicyConfig = Annotated[PluginConfig[Policy[Any]], Checked(Policy)]
TargetConfig = Annotated[PluginConfig[Target[Any]], Checked(Target)]
CheckConfig = Annotated[PluginConfig[Check[Any]], Checked(Check)]
NotifierConfig = Annotated[PluginConfig[Notifier[Any]], Checked(Notifier)]


def plugin_config(plugin_type: type[P], value: Any) -> PluginConfig[P]:
    """What `{kind: NAME, ...options}` asks for. Raises ValidationError with every fault in it."""
    if not isinstance(value, Mapping):
        raise PydanticCustomError("plugin", "write {kind: NAME, ...}, not {got}", {"got": value})
    options = dict(value)
    kind = options.pop("kind", None)
    if not isinstance(kind, str):
        raise _fault(plugin_type, "kind", kind, "say which kind")
    try:
        plugin = registry.find(plugin_type, kind)
    except ConfigError as error:
        raise _fault(plugin_type, "kind", kind, str(error)) from error
    return PluginConfig(kind, plugin, plugin.options_type.model_validate(options))


def _fault(plugin_type: type[P], key: str, value: Any, message: str) -> ValidationError:
    detail = InitErrorDetails(
        type=PydanticCustomError("fault", "{message}", {"message": message}),
        loc=(key,),
        input=value,
    )
    return ValidationError.from_exception_data(plugin_type.__name__, [detail])
