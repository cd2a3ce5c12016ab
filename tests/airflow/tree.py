"""A process whose signals reach every descendant, whatever process groups these made."""

from __future__ import annotations

import contextlib
import signal

import psutil

from tests.servers import Process


def signal_tree(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to all that descend from it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


class ProcessTree(Process):
    """Its `pause`, `resume` and `kill` mean all descendants as well."""

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        if group and self.running:
            signal_tree(self.pid, number)
        else:
            super().signal(number, group=group)
