"""One daemon leads on a state directory, in terms that only grow, until the kernel says it died."""

import os
import signal
import sys
from pathlib import Path

import pytest

from autoscaler.leader.local import FileLeader
from autoscaler.leader.sole import SoleLeader
from tests.servers import Process, eventually

LEAD = """
import asyncio, sys
from pathlib import Path
from autoscaler.leader.local import FileLeader

async def lead():
    leader = FileLeader(Path(sys.argv[1]))
    assert await leader.acquire(), leader.reason
    print("leads", leader.term, flush=True)
    await asyncio.sleep(60)

asyncio.run(lead())
"""


async def test_a_sole_leader_always_leads():
    leader = SoleLeader()
    assert leader.holds()
    assert await leader.acquire()
    assert (leader.term, leader.reason) == (1, "")
    await leader.aclose()
    assert leader.holds()
    assert SoleLeader(term=7).term == 7


async def test_the_first_leads_and_the_second_says_who_does(tmp_path):
    first, second = FileLeader(tmp_path / "new" / "state"), FileLeader(tmp_path / "new" / "state")
    assert not first.holds()
    assert await first.acquire()
    assert first.holds()
    assert (first.term, first.reason) == (1, "")
    assert not await second.acquire()
    assert not second.holds()
    assert f"process {os.getpid()} leads" in second.reason
    assert await first.acquire(), "asking again is harmless"
    assert first.term == 1
    await first.aclose()
    await first.aclose()
    assert not first.holds()
    assert await second.acquire()
    assert (second.term, second.reason) == (2, "")
    await second.aclose()


async def test_a_leader_that_is_killed_is_followed_in_a_higher_term(tmp_path):
    process = Process([sys.executable, "-c", LEAD, str(tmp_path)], tmp_path / "log")
    await process.launch()
    try:
        await eventually(lambda: "leads 1" in process.output, process.output)
        follower = FileLeader(tmp_path)
        assert not await follower.acquire()
        assert f"process {process.pid} leads" in follower.reason
        process.signal(signal.SIGKILL)
        await eventually(follower.acquire, "the take-over")
        assert follower.term == 2
        await follower.aclose()
    finally:
        await process.kill()


async def test_a_leader_whose_lock_file_is_replaced_no_longer_leads(tmp_path):
    first, second = FileLeader(tmp_path), FileLeader(tmp_path)
    assert await first.acquire()
    (tmp_path / "leader.lock").unlink()
    assert not first.holds()
    assert await second.acquire()
    assert not first.holds()
    assert not await first.acquire()
    assert second.term == 2
    await second.aclose()
    assert await first.acquire()
    assert first.term == 3
    await first.aclose()


async def test_without_its_last_term_it_does_not_lead(tmp_path):
    (tmp_path / "leader.json").write_text('{"version": 1, "content": {"term": "many"}}')
    leader = FileLeader(tmp_path)
    assert not await leader.acquire()
    assert "content.term" in leader.reason
    assert "set its term above" in leader.reason
    (tmp_path / "leader.json").write_text('{"version": 1, "content": {"term": 41, "pid": 1}}')
    assert await leader.acquire()
    assert leader.term == 42
    (tmp_path / "leader.json").write_text("")
    other = FileLeader(tmp_path)
    assert not await other.acquire()
    assert "another process leads" in other.reason
    await leader.aclose()


@pytest.mark.parametrize("name", ["leader.lock", "leader.json.new"])
async def test_without_its_files_it_does_not_lead(tmp_path: Path, name: str):
    (tmp_path / name.replace(".new", f".{os.getpid()}.new")).mkdir()
    leader = FileLeader(tmp_path)
    assert not await leader.acquire()
    assert "leader." in leader.reason
    assert not leader.holds()


async def test_children_do_not_keep_the_lock(tmp_path):
    leader, other = FileLeader(tmp_path), FileLeader(tmp_path)
    assert await leader.acquire()
    child = Process(["sleep", "60"], tmp_path / "log")
    await child.launch()
    try:
        await leader.aclose()
        assert await other.acquire()
        await other.aclose()
    finally:
        await child.kill()
