"""Two and three real daemons over one API server whose leader is lost again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import BY_NAME
from tests.leader.audit import Audit
from tests.leader.rounds import FAULTS, play_all

ROUNDS = 2 * len(FAULTS)


@pytest.mark.full
async def test_no_two_act_in_one_term_and_the_next_leads_in_time(tmp_path: Path) -> None:
    found = await play_all(tmp_path, rounds=ROUNDS, side_by_side=2, seed=7)
    assert (found.faults, found.late) == ([], [])
    assert found.terms >= ROUNDS
    assert found.writes >= found.terms, "whoever led acted, too"
    assert [len(took) for took in found.took.values()] == [2] * len(FAULTS)


def lease(user: str, term: int, holder: str = "somebody", status: int = 200) -> Call:
    spec = {"holderIdentity": holder, "leaseTransitions": term}
    kind = BY_NAME["Lease"]
    return Call("update", "", 0.0, kind, user=user, status=status, body={"spec": spec})


def action(user: str, fence: str = "", status: int = 200, version: str = "") -> Call:
    body = {"metadata": {"annotations": {"autoscaler/fence": fence}} if fence else {}}
    body["metadata"] |= {"resourceVersion": version} if version else {}
    return Call("patch", "", 0.0, BY_NAME["Pod"], user=user, status=status, body=body)


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([lease("a", 1), action("b")], "b wrote patch pods while a led"),
        ([lease("a", 1), lease("a", 1, ""), action("a")], "a wrote patch pods while nobody led"),
        ([lease("a", 1), lease("b", 1)], "term 1 is led by a and b"),
        ([lease("a", 2), lease("b", 1)], "term 1 came after 2"),
        ([lease("a", 1), lease("b", 2), action("b", "1.7")], "with the fence 1.7 of another"),
    ],
)
def test_the_audit_sees_what_must_not_be(calls: list[Call], words: str) -> None:
    audit = Audit(calls, ["a", "b"])
    audit.read()
    [fault] = audit.faults
    assert words in fault


def test_the_audit_is_content_with_what_may_be() -> None:
    calls = [lease("a", 1), action("a", "1.1"), action("b", status=409), action("kubelet")]
    audit = Audit(calls, ["a", "b"])
    audit.read()
    calls += [lease("b", 2, status=409), lease("a", 1, ""), lease("b", 2), action("b", "2.1")]
    audit.read()
    assert audit.faults == []
    assert (audit.leader, audit.term, audit.refused) == ("b", 2, 1)
    assert dict(audit.acted) == {(1, "a"): 1, (2, "b"): 1}


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (action("a", "1.1", version="7"), []),
        (action("a", "1.1"), ["a wrote patch pods while b led"]),
        (action("a", version="7"), ["a wrote patch pods while b led"]),
    ],
)
def test_what_a_network_held_back_is_late_and_told_by_its_fence_and_its_version(
    late: Call, words: list[str]
) -> None:
    audit = Audit([lease("a", 1), lease("b", 2), late, late], ["a", "b"])
    audit.heal("a", held=1)
    audit.read()
    again = ["a wrote patch pods while b led"]
    assert audit.faults == [*words, *again]
    assert audit.late == (0 if words else 1)
