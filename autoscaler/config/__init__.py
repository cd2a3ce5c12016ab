"""What the daemon is told: `load` a file, `parse` a text, or validate a mapping with `Config`."""

from autoscaler.config.models import Config, FleetConfig, HttpConfig, JournalConfig, LogConfig
from autoscaler.config.plugin import PluginConfig

__all__ = ["Config", "FleetConfig", "HttpConfig", "JournalConfig", "LogConfig", "PluginConfig"]
