"""What the daemon is told: `load` a file, `parse` a text, or validate a mapping with `Config`."""

from autoscaler.config.fleet import FleetConfig
from autoscaler.config.load import load, parse, schema
from autoscaler.config.plugin import PluginConfig
from autoscaler.config.root import Config
from autoscaler.config.sections import HttpConfig, JournalConfig, LogConfig

__all__ = [
    "Config",
    "FleetConfig",
    "HttpConfig",
    "JournalConfig",
    "LogConfig",
    "PluginConfig",
    "load",
    "parse",
    "schema",
]
