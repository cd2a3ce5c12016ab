"""Rounds of one leader lost after the other, of real daemons over one API server.

`python -m tests.leader.rounds [--rounds 200] [--side-by-side 4] [--seed 1]`
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from autoscaler.clock import elapsed
from tests.end_to_end.process import AT_ONCE
from tests.kubernetes.cluster import NAMESPACE, Cluster, cluster
from tests.leader.audit import Audit
from tests.leader.daemons import Member
from tests.leader.gate import Gate, gate_to
from tests.servers import eventually

LEASE_SECONDS = 8.0
FAULTS = ("killed", "stopped", "cut off", "told to end")
BOUNDS = dict.fromkeys(FAULTS, 1.5 * LEASE_SECONDS) | {"told to end": 2.0}
SKEWS = (-3600.0, -20.0, 0.0, 20.0, 3600.0)
WAIT_SECONDS = 60.0
MOST = 6


@dataclass(slots=True)
class Findings:
    """What came of some rounds. took: seconds until another led, by what befell the leader."""

    took: dict[str, list[float]] = field(default_factory=lambda: {fault: [] for fault in FAULTS})
    faults: list[str] = field(default_factory=list)
    terms: int = 0
    writes: int = 0
    refused: int = 0

    @property
    def late(self) -> list[str]:
        """The takeovers that took too long."""
        return [
            f"{seconds:.1f} s after one was {fault}"
            for fault, took in self.took.items()
            for seconds in took
            if seconds > BOUNDS[fault]
        ]

    def add(self, other: Findings) -> None:
        for fault, took in other.took.items():
            self.took[fault] += took
        self.faults += other.faults
        self.terms += other.terms
        self.writes += other.writes
        self.refused += other.refused


class Party:
    """Some daemons, each with a token, a gate to the server, and a clock of its own."""

    def __init__(self, made: Cluster, directory: Path, random: Random, size: int) -> None:
        self._cluster = made
        self._directory = directory
        self._random = random
        self._size = size
        self._members: dict[str, Member] = {}
        self._gates: dict[str, Gate] = {}
        self.audit = Audit(made.requests, [f"daemon-{n}" for n in range(size)])
        self.findings = Findings()

    async def start(self, stack: AsyncExitStack) -> None:
        for number in range(self._size):
            name = f"daemon-{number}"
            place = self._directory / name
            place.mkdir()
            self._cluster.users.allow(name, name=name)
            gate = await stack.enter_async_context(gate_to(self._cluster.server.port))
            kubeconfig = self._cluster.kubeconfig(place, name, gate.url)
            member = Member(place, _config(kubeconfig), {"KUBECONFIG": str(kubeconfig)})
            stack.push_async_callback(member.kill)
            self._members[name], self._gates[name] = member, gate
            await self._launch(name)

    async def round(self, fault: str) -> None:
        """The leader acts, something befalls it, another leads and acts, and it comes back."""
        leader = await self._acting()
        await asyncio.sleep(self._random.uniform(0, 1.5))
        began = elapsed()
        await self._strike(leader, fault)
        await eventually(lambda: self._led_by_another(leader), f"a leader, {fault}", WAIT_SECONDS)
        self.findings.took[fault].append(elapsed() - began)
        await asyncio.sleep(self._random.uniform(0, 1.5))
        await self._heal(leader, fault)
        await self._acting()

    def end(self) -> Findings:
        """What was found in all."""
        self._led_by_another("")
        self.findings.faults = self.audit.faults
        self.findings.terms = len(self.audit.led)
        self.findings.writes = sum(self.audit.acted.values())
        self.findings.refused = self.audit.refused
        return self.findings

    @property
    def logs(self) -> str:
        """The end of what each daemon said."""
        return "\n".join(f"{n}:\n{m.output[-6000:]}" for n, m in self._members.items())

    async def _launch(self, name: str) -> None:
        """With another clock each time."""
        member, skew = self._members[name], self._random.choice(SKEWS)
        run = ["run", "--config", str(member.config)]
        member.command = [sys.executable, "-m", "tests.leader.skewed", str(skew), *run]
        await member.launch()
        await eventually(member.ready, f"the first tick\n{member.output[-3000:]}", WAIT_SECONDS)

    async def _strike(self, name: str, fault: str) -> None:
        member = self._members[name]
        if fault == "killed":
            await member.kill()
        elif fault == "stopped":
            member.pause()
        elif fault == "cut off":
            self._gates[name].held = 0
            self._gates[name].shut()
        else:
            member.signal(signal.SIGTERM)

    async def _heal(self, name: str, fault: str) -> None:
        member = self._members[name]
        if fault == "stopped":
            member.resume()
        elif fault == "cut off":
            gate = self._gates[name]
            self.audit.heal(name, gate.held)
            gate.open()
        else:
            await member.exited()
            await self._launch(name)

    async def _acting(self) -> str:
        """The leader, once it has written something in its own term."""

        def acted() -> str:
            self.audit.read()
            leader = self.audit.leader
            return leader if self.audit.acted[self.audit.term, leader] else ""

        return str(await eventually(acted, "a leader that acts", WAIT_SECONDS))

    def _led_by_another(self, name: str) -> bool:
        self.audit.read()
        return self.audit.leader not in ("", name)


async def order_about(made: Cluster, random: Random) -> None:
    """As an operator who changes his mind all the time; every daemon sees what he wants."""
    while True:
        wanted = {"autoscaler/paused-replicas": str(random.randint(1, MOST))}
        made.annotate("deployments", "worker", **wanted)
        await asyncio.sleep(random.uniform(0.3, 2.0))


async def play(directory: Path, faults: Sequence[str], seed: int, daemons: int) -> Findings:
    """One party of so many daemons, through one round for each of the faults."""
    random = Random(seed)
    async with cluster() as made, AsyncExitStack() as stack:
        made.deployment("worker", 3)
        orders = asyncio.create_task(order_about(made, random))
        stack.callback(orders.cancel)
        party = Party(made, directory, random, daemons)
        await party.start(stack)
        try:
            for number, fault in enumerate(faults, 1):
                await party.round(fault)
                print(f"seed {seed}, round {number} of {len(faults)}: {fault}", flush=True)
        except AssertionError:
            print(party.logs, flush=True)
            raise
        return party.end()


async def play_all(directory: Path, rounds: int, side_by_side: int, seed: int) -> Findings:
    """The rounds shared among parties of two and of three daemons, every fault as often."""
    plays = []
    for number in range(side_by_side):
        place = directory / f"party-{number}"
        place.mkdir()
        faults = [FAULTS[n % len(FAULTS)] for n in range(number, rounds, side_by_side)]
        Random(seed + number).shuffle(faults)
        plays.append(play(place, faults, seed + number, 2 + number % 2))
    every = Findings()
    for findings in await asyncio.gather(*plays):
        every.add(findings)
    return every


def _config(kubeconfig: Path) -> dict[str, object]:
    target = {"kind": "kubernetes", "namespace": NAMESPACE, "deployment": "worker"}
    least = {"kind": "expression", "expression": "1"}
    fleet = {"name": "workers", "queues": [], "min_replicas": 0, "max_replicas": MOST}
    return {
        "leader": {"kind": "kubernetes", "lease_seconds": LEASE_SECONDS, "namespace": NAMESPACE},
        "sources": {},
        "fleets": [
            {**fleet, **AT_ONCE, "policies": [least]}
            | {"target": {**target, "kubeconfig": str(kubeconfig)}}
        ],
    }


def main() -> int:
    """1 when two acted as one, or a takeover took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = asyncio.run(play_all(Path(place), told.rounds, told.side_by_side, told.seed))
    print(f"{found.terms} terms, {found.writes} writes carried out, {found.refused} refused")
    for fault, took in found.took.items():
        if took:
            middle, most = sorted(took)[len(took) // 2], max(took)
            bound = f"at most {BOUNDS[fault]:g} s"
            print(f"{len(took)} times {fault}: {middle:.1f} s, worst {most:.1f} s ({bound})")
    for wrong in (*found.faults, *found.late):
        print(f"WRONG: {wrong}")
    return 1 if found.faults or found.late else 0


if __name__ == "__main__":
    sys.exit(main())
