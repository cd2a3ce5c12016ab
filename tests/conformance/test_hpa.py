"""Our own cases, worked out by hand; Kubernetes' own are run the same way, from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.hpa import KINDS, answer, answers

LINES = Path(__file__).with_name("cases.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]


@pytest.mark.parametrize("case", CASES, ids=[f"{c['kind']}: {c['name']}" for c in CASES])
def test_answers_are_what_the_rules_say(case):
    told = answer(case)
    assert {key: told.get(key) for key in case["expected"]} == case["expected"]


def test_every_kind_has_a_case():
    assert {case["kind"] for case in CASES} == KINDS.keys()


def test_what_cannot_be_read_is_an_error_and_the_next_line_is_answered():
    told = [
        json.loads(line) for line in answers(['{"kind": "group_pods", "inputs": {}}', "", LINES[0]])
    ]
    assert [sorted(each) for each in told] == [["error"], ["reason", "replicas"]]
    assert answer({"kind": "astrology", "inputs": {}}) == {
        "error": "the kind astrology is not known"
    }
    nothing = {"kind": "metric_usage_ratio", "inputs": {"metricsMilli": {}, "targetMilli": 5}}
    assert answer(nothing)["error"].startswith("the case cannot be read: ZeroDivisionError")


def test_one_line_in_one_line_out():
    command = [sys.executable, "-m", "tests.conformance.hpa"]
    run = subprocess.run(command, input=LINES[0] + "\n", capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == CASES[0]["expected"]
