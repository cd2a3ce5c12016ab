"""Leading by a lease: never two at once, in terms that only grow, whatever clocks and stores do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from autoscaler.leader.lease import Found
from tests.leader.leases import FIRST_TERM, LEASE_SECONDS, Daemons


@pytest.fixture
def daemons(tmp_path):
    return Daemons(tmp_path)


@pytest.fixture
def forgetful(tmp_path):
    """On a store that may lose what was written, as Redis does."""
    return Daemons(tmp_path, durable=False)


async def test_the_first_leads_and_the_second_says_who_does(daemons):
    first, second = daemons.start(), daemons.start()
    assert not first.holds()
    assert await first.acquire()
    assert (first.term, first.reason, first.led_by) == (FIRST_TERM, "", "")
    assert not await second.acquire()
    assert (second.reason, second.led_by) == (f"{first.name} leads", first.name)
    assert await daemons.go_on(60, first, second) == [first]
    assert first.term == FIRST_TERM


async def test_it_holds_only_for_actions_that_end_before_the_lease(daemons):
    leader = daemons.start()
    await leader.acquire()
    assert leader.holds(9.7)
    assert not leader.holds(9.9), "2 % are left for clocks of another speed"
    daemons.time.pass_(5)
    assert leader.holds(4.7)
    assert not leader.holds(5)
    daemons.time.pass_(4.8)
    assert not leader.holds()
    assert daemons.shelf.found.lease.holder == leader.name, "its own clock is enough"


async def test_a_leader_that_is_silent_is_followed_within_one_and_a_half_leases(daemons):
    first, second = daemons.start(), daemons.start()
    await first.acquire()
    await daemons.go_on(20, first, second)
    began = daemons.time.elapsed
    while not await second.acquire():
        daemons.time.pass_(0.25)
        assert not (first.holds() and second.holds())
    assert LEASE_SECONDS < daemons.time.elapsed - began <= 1.2 * LEASE_SECONDS
    assert second.term > first.term
    assert not await first.acquire()
    assert first.led_by == second.name


async def test_a_lease_that_is_given_back_is_taken_at_once(daemons):
    first, second = daemons.start(), daemons.start()
    await first.acquire()
    await second.acquire()
    await first.aclose()
    await first.aclose()
    assert not first.holds()
    assert await second.acquire()
    assert second.term == first.term + 1


async def test_a_lease_is_given_back_after_a_renewal_whose_answer_was_lost(daemons):
    first, second = daemons.start(), daemons.start()
    await first.acquire()
    daemons.shelf.mute = True
    assert await first.acquire(), "it may have been renewed, and lasts in any case"
    assert first.pause_seconds == 1
    daemons.shelf.mute = False
    await first.aclose()
    assert await second.acquire()


async def test_an_answer_that_was_lost_is_no_reason_to_step_down(daemons):
    leader = daemons.start()
    await leader.acquire()
    daemons.shelf.mute = True
    await leader.acquire()
    daemons.shelf.mute = False
    assert await daemons.go_on(30, leader) == [leader]
    assert leader.term == FIRST_TERM


async def test_an_outage_of_the_store_ends_leadership_with_the_lease_and_heals(daemons):
    first, second = daemons.start(), daemons.start()
    await first.acquire()
    await second.acquire()
    with capture_logs() as logs, daemons.outage():
        assert await daemons.go_on(9, first, second) == [first]
        await daemons.go_on(1, first, second)
        assert await daemons.go_on(100, first, second) == []
        assert first.reason == "connection refused"
        assert (first.led_by, second.led_by) == ("", "")
    assert [log["event"] for log in logs] == ["lease cannot be read or written"] * 2
    assert len(await daemons.go_on(2, first, second)) == 1


async def test_a_leader_cut_off_alone_is_followed_and_then_follows(daemons):
    first, second = daemons.start(), daemons.start()
    await daemons.go_on(1, first, second)
    first._store.cut = True
    assert await daemons.go_on(20, first, second) == [first, second]
    first._store.cut = False
    assert await daemons.go_on(20, first, second) == [second]
    assert first.reason == f"{second.name} leads"


async def test_one_that_was_stopped_past_its_lease_does_not_lead_when_it_goes_on(daemons):
    first, second = daemons.start(), daemons.start()
    await daemons.go_on(1, first, second)
    assert await daemons.go_on(12, second) == [second]
    assert not first.holds()
    assert not await first.acquire()


async def test_one_that_was_stopped_and_not_followed_begins_a_new_term(daemons):
    first = daemons.start()
    await first.acquire()
    daemons.time.pass_(100)
    assert not first.holds()
    assert await first.acquire()
    assert first.term > FIRST_TERM


async def test_clocks_that_are_set_change_nothing(daemons):
    first, second = daemons.start(), daemons.start()
    await daemons.go_on(1, first, second)
    for wall in (0.0, 4e9, 1.8e9):
        daemons.time.wall = wall
        assert await daemons.go_on(30, first, second) == [first]
    stamps = [lease.renewed_at for lease in daemons.shelf.writes]
    assert stamps == sorted(set(stamps))


async def test_terms_grow_although_the_store_lost_the_lease_and_the_clock_is_wrong(daemons):
    first = daemons.start(state="kept")
    await first.acquire()
    daemons.shelf.put(None)
    daemons.time.wall = 0.0
    again = daemons.start(state="kept")
    assert await again.acquire()
    assert again.term == first.term + 1


async def test_terms_grow_although_the_store_and_the_directories_are_lost(forgetful):
    first = forgetful.start()
    await forgetful.go_on(11, first)
    await forgetful.go_on(60, first)
    forgetful.shelf.put(None)
    await first.aclose()
    another = forgetful.start()
    await forgetful.go_on(11, another)
    assert another.term > first.term


async def test_without_a_lease_it_waits_where_leases_may_get_lost(forgetful):
    leader = forgetful.start()
    await forgetful.go_on(10, leader)
    assert not leader.holds()
    assert "the last lease may not be over" in leader.reason
    assert await forgetful.go_on(1, leader) == [leader]


async def test_a_leader_goes_on_after_the_store_has_lost_the_lease(forgetful):
    first, second = forgetful.start(), forgetful.start()
    await forgetful.go_on(12, first, second)
    term = first.term
    forgetful.shelf.put(None)
    assert await forgetful.go_on(30, second, first) == [first]
    assert first.term == term


async def test_a_lease_that_was_deleted_by_hand_is_not_taken_from_its_leader(daemons):
    first, second = daemons.start(), daemons.start()
    await daemons.go_on(1, first, second)
    daemons.shelf.put(None)
    assert await daemons.go_on(30, second, first) == [first]


async def test_a_store_that_falls_back_to_an_older_lease_brings_no_old_term(forgetful):
    first, second = forgetful.start(), forgetful.start()
    await forgetful.go_on(12, first, second)
    older = forgetful.shelf.found.lease
    await forgetful.go_on(12, second)
    assert second.holds()
    forgetful.shelf.put(older)
    led = await forgetful.go_on(30, first, second)
    assert max(led[-1].term, second.term) == led[-1].term > older.term
    assert first.term != second.term


async def test_the_longer_of_two_leases_is_waited_for(daemons):
    first, second = daemons.start(lease_seconds=100), daemons.start()
    await first.acquire()
    await daemons.go_on(101, second)
    assert not second.holds()
    assert await daemons.go_on(2, second) == [second]


async def test_two_that_take_it_at_once_do_not_both_get_it(daemons):
    first, second = daemons.start(), daemons.start()
    seen = daemons.shelf.found
    assert await first.acquire()
    second._store.read = lambda: asyncio.sleep(0, seen)
    assert not await second.acquire()


async def test_without_its_last_term_it_does_not_lead(daemons, tmp_path):
    leader = daemons.start(state="kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "leader.json").write_text("{}")
    assert not await leader.acquire()
    assert "set its term above" in leader.reason
    kept = {"version": 1, "content": {"term": 2_000_000_000, "pid": 1}}
    (tmp_path / "kept" / "leader.json").write_text(json.dumps(kept))
    assert await leader.acquire()
    assert leader.term == 2_000_000_001


async def test_a_store_that_hangs_is_given_up(tmp_path):
    daemons = Daemons(tmp_path)
    leader = daemons.start()
    leader._options = replace_seconds(leader, 0.05)
    leader._store.read = asyncio.Event().wait
    assert not await leader.acquire()
    assert "no answer within" in leader.reason


async def test_a_store_that_hangs_does_not_hold_up_the_end(daemons):
    leader = daemons.start()
    await leader.acquire()
    leader._store.replace = lambda *_: asyncio.Event().wait()
    with capture_logs() as logs:
        async with asyncio.timeout(2):
            await leader.aclose()
    assert [log["event"] for log in logs] == ["lease not given back: it ends by itself"]
    assert leader._store.closed


async def test_what_is_another_s_is_not_given_back(daemons):
    leader = daemons.start()
    await leader.acquire()
    stolen = replace(daemons.shelf.found.lease, holder="thief")
    daemons.shelf.found = Found(stolen, "stolen")
    await leader.aclose()
    assert daemons.shelf.found.lease is stolen


def replace_seconds(leader, seconds):
    return leader._options.model_copy(update={"lease_seconds": seconds})
