"""Winning leadership and keeping it, whatever the ticks are at."""

from __future__ import annotations

import asyncio

import structlog

from autoscaler.interfaces import Leadership, Wake


async def campaigning(leadership: Leadership, wake: Wake) -> None:
    """Try for ever; `wake(reason)` tells that leadership was won or lost."""
    log = structlog.get_logger("autoscaler.leader")
    while True:
        led = leadership.holds()
        try:
            await leadership.acquire()
        except Exception:
            log.exception("a bug in the election")
        if leadership.holds() is not led:
            wake("leadership changed")
        await asyncio.sleep(leadership.pause_seconds)
