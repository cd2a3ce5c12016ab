"""Processes that outlive us, each known by its pid and its start, so that none is mistaken."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

PROC = Path("/proc")
BOOT_ID = PROC / "sys/kernel/random/boot_id"
ENDED_STATES = (b"Z", b"X")
# As waitpid is, this is of the whole OS process: a reload makes new targets, our children stay.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A pid and when that process started; a later process with the same pid is another one."""

    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A process that leads its session, its command, and what it has in an environment variable."""

    process: ProcessId
    command: tuple[str, ...]
    value: str


def spawn(command: Sequence[str], env: Mapping[str, str], cwd: Path | None, log: Path) -> ProcessId:
    """Start a process in a session of its own, so that our end is not its end.

    Its output is appended to `log`. Raises OSError.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            close_fds=True,
            start_new_session=True,
        )
    _children[child.pid] = child
    return _look(child.pid)[0]


def alive(process: ProcessId) -> bool:
    """Whether this very process still runs. Raises OSError when that cannot be told."""
    try:
        return _look(process.pid) == (process, True)
    except ProcessLookupError:
        return False


def send_signal(process: ProcessId, number: int) -> bool:
    """Signal this very process and no other; False when it is gone. Raises PermissionError."""
    try:
        handle = psutil.Process(process.pid)
        if not alive(process):
            return False
        handle.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied as error:
        raise PermissionError(f"process {process.pid} may not be signalled by us") from error
    return True


def kill_session(process: ProcessId) -> bool:
    """SIGKILL the process and its group, which it leads; False when it is gone."""
    if not alive(process):
        return False
    os.killpg(process.pid, signal.SIGKILL)
    return True


def reap() -> None:
    """Let go of the children that ended; their exit codes are kept until they are asked for."""
    for child in list(_children.values()):
        child.poll()


def exit_code(process: ProcessId) -> int | None:
    """How our child ended (negative: by that signal); None if it was not ours, or still runs."""
    child = _children.get(process.pid)
    if child is None or child.poll() is None:
        return None
    del _children[process.pid]
    return child.returncode


def carriers(variable: str) -> tuple[Carrier, ...]:
    """Every session leader we may look into that was started with this variable, oldest first."""
    found = []
    for process in psutil.process_iter():
        try:
            value = process.environ().get(variable)
            if value is None or os.getsid(process.pid) != process.pid:
                continue
            carrier = Carrier(_look(process.pid)[0], tuple(process.cmdline()), value)
            found.append((process.create_time(), process.pid, carrier))
        except (psutil.Error, ProcessLookupError):
            continue  # it is gone, or another user's, and then not ours
    return tuple(carrier for *_, carrier in sorted(found, key=lambda entry: entry[:2]))


def _look(pid: int) -> tuple[ProcessId, bool]:
    """The process that has this pid now, and whether it runs. Raises ProcessLookupError, OSError.

    On Linux the start is told in clock ticks since boot: psutil's `create_time` moves whenever
    somebody sets the wall clock, and then every worker would seem to be another process.
    """
    boot_id = _boot_id()
    if not boot_id:
        return look_with_psutil(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    fields = stat[stat.rindex(b")") + 2 :].split()
    started = f"{boot_id}:{int(fields[19])}"
    return ProcessId(pid, started), fields[0] not in ENDED_STATES


def look_with_psutil(pid: int) -> tuple[ProcessId, bool]:
    """The same where there is no Linux."""
    try:
        process = psutil.Process(pid)
        running = process.status() != psutil.STATUS_ZOMBIE
        return ProcessId(pid, f"{process.create_time():.2f}"), running
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error


@cache
def _boot_id() -> str:
    return BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""
