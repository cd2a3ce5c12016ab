"""Every error the daemon raises on purpose.

AutoscalerError
├── ConfigError        the configuration cannot be used                      exit code 2
├── SourceError        a poll gave nothing that can be trusted               -> missing[source]
├── TargetError        a target could not be read or would not act           -> outcome failed
│   ├── TargetConflict     the world moved since the plan was made           -> outcome refused
│   └── StaleActionError   an action older than one already applied          -> outcome refused
├── StateError         a file of the state directory is damaged or cannot be used
├── LeaseError         the lease could not be read or written                -> not the leader
├── ControlError       a worker could not be told, or did not confirm        -> outcome failed
└── NotifyError        a notifier could not deliver                -> retried, unless permanent

Expected errors become data where the controller meets them; anything else is a bug, and loud.
"""

from __future__ import annotations


class AutoscalerError(Exception):
    """What all errors of the daemon have in common."""


class ConfigError(AutoscalerError):
    """The configuration cannot be used; `faults` holds one line for each thing that is wrong."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class SourceError(AutoscalerError):
    """A poll gave nothing that can be trusted."""


class TargetError(AutoscalerError):
    """A target could not be read, or would not do what it was asked."""


class TargetConflict(TargetError):  # noqa: N818 - names the HTTP 409 that operators know
    """The world moved between plan and action; the next tick plans anew."""


class StaleActionError(TargetError):
    """The action is older than one this target has already applied."""


class StateError(AutoscalerError):
    """A file of the state directory is damaged, not ours, or cannot be read or written."""


class LeaseError(AutoscalerError):
    """The lease that says who leads could not be read or written."""


class ControlError(AutoscalerError):
    """A worker could not be told something, or did not confirm it."""


class NotifyError(AutoscalerError):
    """A notifier could not deliver. permanent: what it sent will never be accepted."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
