"""One daemon's part in an election by lease, decided by its own monotonic clock alone."""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from autoscaler.errors import LeaseError, StateError
from autoscaler.interfaces import Leadership
from autoscaler.leader.lease import Found, Lease, LeaseOptions, LeaseStore
from autoscaler.leader.reign import REIGN, Reign

DRIFT = 0.02
TERMS_SINCE = 1_700_000_000
MOST_PAUSE_SECONDS = 1.0
GIVE_BACK_SECONDS = 0.7


class LeaseLeader(Leadership):
    """Leads until its lease ends; follows until nobody has renewed the lease for its whole length.

    Both are measured here, from before a write and from after a read, and 2 % apart from the
    lease's length, by which two clocks may differ in speed. So whatever the network delays and
    whoever sets a clock, the next leader begins after the last one has ended.
    """

    def __init__(
        self,
        store: LeaseStore,
        options: LeaseOptions,
        state_directory: Path,
        now: Callable[[], float],
        elapsed: Callable[[], float],
    ) -> None:
        self.name = f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(3)}"
        self.reason = "it has not tried to lead yet"
        self._store = store
        self._options = options
        self._reign_path = state_directory / "leader.json"
        self._now = now
        self._elapsed = elapsed
        self._found: Found | None = None
        self._unchanged_since = self._read_at = self._until = -math.inf
        self._newest_term = 0
        self._trouble = ""
        self._log = structlog.get_logger(lease=options.name)

    @property
    def led_by(self) -> str:
        lease = self._found.lease if self._found else None
        if lease is None or self.holds() or lease.holder == self.name:
            return ""
        known = self._elapsed() - self._read_at < self._options.lease_seconds
        return lease.holder if known and not self._abandoned(lease) else ""

    @property
    def pause_seconds(self) -> float:
        if self.holds() and not self._trouble:
            return self._options.renew_seconds
        return min(MOST_PAUSE_SECONDS, self._options.exchange_seconds)

    def holds(self, for_seconds: float = 0.0) -> bool:
        return self._elapsed() + for_seconds < self._until

    async def acquire(self) -> bool:
        trouble, patience = "", 2 * self._options.renew_seconds
        try:
            async with asyncio.timeout(patience):
                await (self._keep() if self.holds() else self._win())
        except (LeaseError, StateError) as error:
            trouble = str(error)
        except TimeoutError:
            trouble = f"no answer within {patience:g} s"
        self._tell(trouble)
        held = self.holds()
        self.reason = "" if held else self._why_not()
        return held

    async def aclose(self) -> None:
        """Give the lease back, so that the next leader need not wait for its end."""
        held, self._until = self.holds(), -math.inf
        self.reason = "it has stepped down"
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                if held:
                    await self._give_back()
        except (LeaseError, TimeoutError) as error:
            self._log.warning("lease not given back: it ends by itself", why=str(error))
        await self._store.aclose()

    async def _keep(self) -> None:
        """Renew it. What was found instead may be our own word, whose answer did not arrive."""
        if await self._write(self.term):
            return
        await self._look()
        if self._is_ours() or self._is_lost():
            await self._write(self.term)
        else:
            self._until = -math.inf

    async def _win(self) -> None:
        await self._look()
        if self._is_free():
            await self._write(self._next_term())

    async def _give_back(self) -> None:
        """Twice, if the first answer is that a renewal of ours was written meanwhile."""
        for _ in range(2):
            if self._found is None or self._found.lease is None or not self._is_ours():
                return
            given = replace(self._found.lease, holder="", renewed_at=self._stamp())
            if await self._store.replace(self._found, given):
                return
            await self._look()

    async def _look(self) -> None:
        found = await self._store.read()
        self._see(found)

    async def _write(self, term: int) -> bool:
        """Lead from before the write on, if nobody was faster."""
        sent = self._elapsed()
        length = self._options.lease_seconds
        written = await self._store.replace(
            self._found or Found(), Lease(self.name, term, self._stamp(), length)
        )
        if written is None:
            return False
        self._see(written)
        self.term, self._until = term, sent + length * (1 - DRIFT)
        return True

    def _see(self, found: Found) -> None:
        """Where data may get lost, what was not looked at for long may have come back."""
        before, self._read_at = self._read_at, self._elapsed()
        unseen = self._read_at - before > self._options.lease_seconds / 2
        changed = self._found is None or found.lease != self._found.lease
        if changed or (unseen and not self._store.durable):
            self._unchanged_since = self._read_at
        self._found = found
        if found.lease is not None:
            self._newest_term = max(self._newest_term, found.lease.term)

    def _is_ours(self) -> bool:
        lease = self._found.lease if self._found else None
        return lease is not None and (lease.holder, lease.term) == (self.name, self.term)

    def _is_lost(self) -> bool:
        """Whether the store has lost it: until our time is over, nobody else may have begun."""
        return self._found is not None and self._found.lease is None

    def _is_free(self) -> bool:
        lease = self._found.lease if self._found else None
        if lease is None:
            first = self._store.durable and not self._newest_term
            return first or self._abandoned(None)
        given_back = not lease.holder and lease.term >= self._newest_term
        return given_back or self._abandoned(lease)

    def _abandoned(self, lease: Lease | None) -> bool:
        """Whether it stayed as it is for so long that nobody trusts in it any more."""
        length = max(self._options.lease_seconds, lease.lease_seconds if lease else 0.0)
        return self._elapsed() - self._unchanged_since >= length * (1 + DRIFT)

    def _next_term(self) -> int:
        """Higher than every term known, and than those that a store may have forgotten.

        Takeovers are more than a second apart, so a term counted from the time is above all that
        there were before. It is noted before it is used.
        """
        kept = REIGN.read(self._reign_path)
        term = max(self._newest_term, kept.term if kept else 0) + 1
        term = max(term, int(self._now()) - TERMS_SINCE)
        REIGN.write(self._reign_path, Reign(term, os.getpid()))
        return term

    def _stamp(self) -> int:
        last = self._found.lease.renewed_at if self._found and self._found.lease else 0
        return max(last + 1, int(self._now() * 1e6))

    def _why_not(self) -> str:
        if self._trouble:
            return self._trouble
        if leader := self.led_by:
            return f"{leader} leads"
        return "nobody is known to lead, and the last lease may not be over"

    def _tell(self, trouble: str) -> None:
        if trouble and not self._trouble:
            self._log.warning("lease cannot be read or written", why=trouble)
        elif self._trouble and not trouble:
            self._log.info("lease can be read and written again")
        self._trouble = trouble
