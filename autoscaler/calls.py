"""What the daemon is told between its ticks: to look at once, to load its config anew, to stop."""

from __future__ import annotations

import asyncio
import signal

import structlog

SPACING_SECONDS = 0.5

log = structlog.get_logger("autoscaler.daemon")


class Calls:
    """Signals and pushes, kept until the daemon gets to them."""

    def __init__(self) -> None:
        self._woken, self._stop, self._reload = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether the daemon is to end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End after the action at hand, as SIGTERM does."""
        self._stop.set()
        self._woken.set()

    def reload(self) -> None:
        """Load the config anew before the next tick, which comes at once, as SIGHUP does."""
        self._reload.set()
        self._woken.set()

    def wake(self, reason: str) -> None:
        """Ask for a tick at once."""
        log.debug("woken", reason=reason)
        self._woken.set()

    def listen_to_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reloads."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def answered(self) -> bool:
        """A tick begins, which answers whoever woke us; whether a reload is asked for before it."""
        self._woken.clear()
        asked = self._reload.is_set()
        self._reload.clear()
        return asked

    async def stopped(self) -> None:
        """Until the daemon is to end."""
        await self._stop.wait()

    async def wait_from(self, began: float, interval_seconds: float) -> None:
        """Until the interval is over or something wakes us, but not too soon after `began`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(began + interval_seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        if not self.stopping:
            await asyncio.sleep(began + SPACING_SECONDS - loop.time())
