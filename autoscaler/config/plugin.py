"""`{kind: NAME, ...options}`: which plugin, and its options checked by the plugin's own type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from autoscaler import registry
from autoscaler.config.faults import invalid
from autoscaler.config.wording import did_you_mean, faults_of, shown
from autoscaler.errors import ConfigError
from autoscaler.interfaces import (
    Check,
    Context,
    Election,
    Notifier,
    Options,
    Plugin,
    Policy,
    Source,
    Target,
)

OWN_KIND = r"^[\w.]+:\w+$"

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


def plugin_config(plugin_type: type[P], value: Any) -> PluginConfig[P]:
    """What `{kind: NAME, ...options}` asks for. Raises ValidationError with every fault in it."""
    word = plugin_type.__name__.lower()
    if not isinstance(value, Mapping):
        example = "{enabled: false}" if plugin_type is Check else "{kind: NAME, …}"
        raise invalid(word, [((), f"must be a mapping such as {example}, not {shown(value)}")])
    options = dict(value)
    kind = options.pop("kind", None)
    known = registry.KINDS[plugin_type]
    if not isinstance(kind, str):
        choices = ", ".join(sorted(known))
        raise invalid(word, [(("kind",), f"must say which {word}, one of: {choices}")])
    if kind not in known and ":" not in kind:
        message = f"no {word} is called {shown(kind)}; {did_you_mean(kind, known)}"
        raise invalid(word, [(("kind",), message)])
    try:
        plugin = registry.find(plugin_type, kind)
    except ConfigError as error:
        raise invalid(word, [(("kind",), str(error))]) from error
    try:
        checked = plugin.options_type.model_validate(options)
    except ValidationError as error:
        raise invalid(word, faults_of(error, plugin.options_type)) from error
    return PluginConfig(kind, plugin, checked)


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

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kinds = sorted(registry.KINDS[self.plugin_type])
        outside = {
            "type": "object",
            "properties": {"kind": {"type": "string", "pattern": OWN_KIND}},
            "required": ["kind"],
        }
        return {"oneOf": [*(self._kind_schema(kind, handler) for kind in kinds), outside]}

    def _kind_schema(self, kind: str, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        try:
            options = registry.find(self.plugin_type, kind).options_type
        except ConfigError:  # a library that it needs is not installed here
            return {"title": kind, "properties": {"kind": {"const": kind}}, "required": ["kind"]}
        schema = dict(handler.resolve_ref_schema(handler(options.__pydantic_core_schema__)))
        schema["properties"] = {"kind": {"const": kind}, **schema.get("properties", {})}
        schema["required"] = ["kind", *schema.get("required", ())]
        return {**schema, "title": kind}


SourceConfig = Annotated[PluginConfig[Source[Any]], Checked(Source)]
PolicyConfig = Annotated[PluginConfig[Policy[Any]], Checked(Policy)]
TargetConfig = Annotated[PluginConfig[Target[Any]], Checked(Target)]
CheckConfig = Annotated[PluginConfig[Check[Any]], Checked(Check)]
NotifierConfig = Annotated[PluginConfig[Notifier[Any]], Checked(Notifier)]
ElectionConfig = Annotated[PluginConfig[Election[Any]], Checked(Election)]
