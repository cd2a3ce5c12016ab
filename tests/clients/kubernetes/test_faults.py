"""Answers that are no success, in words that say what to do."""

from __future__ import annotations

import json

import pytest

from autoscaler.clients.kubernetes.faults import (
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Throttled,
    fault_in_watch,
    fault_of,
)
from autoscaler.clients.kubernetes.resource import NODES, Request, Resource, pods, workloads

SCALE = Request("patch", workloads("Deployment", "airflow"), "worker", "scale")


def said(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


def test_a_missing_rule_is_spelled_out():
    fault = fault_of(403, said("no"), SCALE, None)
    assert isinstance(fault, Forbidden)
    assert str(fault) == (
        "not allowed to patch deployments/scale airflow/worker: add a Role in namespace airflow "
        'with {apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"], '
        'resourceNames: ["worker"]}'
    )
    fault = fault_of(403, said("no"), Request("get", NODES, "n1"), None)
    assert 'a ClusterRole with {apiGroups: [""], resources: ["nodes"], verbs: ["get"]' in str(fault)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ApiError, "our credentials are not accepted for patch deployments/scale"),
        (404, NotFound, "deployments airflow/worker cannot be found: gone away"),
        (409, Conflict, "it changed meanwhile: gone away"),
        (410, Gone, "its version has expired"),
        (422, ApiError, "answered 422: gone away; this is a bug, or its version is old"),
        (500, ApiError, "answered 500: gone away; see the API server's log"),
    ],
)
def test_each_status_has_its_meaning(status, kind, words):
    fault = fault_of(status, said("gone away"), SCALE, None)
    assert type(fault) is kind
    assert words in str(fault)
    assert fault.status == status


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "7", 7),
        (429, None, 1),
        (429, "soon", 1),
        (503, "3", 3),
        (429, "-1", 1),
        (429, "9e9", 3600),
    ],
)
def test_a_server_that_wants_rest_says_how_long(status, retry_after, seconds):
    fault = fault_of(status, b"", SCALE, retry_after)
    assert isinstance(fault, Throttled)
    assert fault.retry_after_seconds == seconds


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"<html>busy</html>", b'{"message": 7}'])
def test_bodies_that_are_no_status_do_no_harm(body):
    assert "answered 500" in str(fault_of(500, body, SCALE, None))


def test_errors_within_a_watch_have_the_same_meaning():
    watch = Request("watch", pods("airflow"))
    assert isinstance(fault_in_watch({"code": 410, "message": "too old"}, watch), Gone)
    assert fault_in_watch({}, watch).status == 0


def test_paths():
    assert SCALE.path == "/apis/apps/v1/namespaces/airflow/deployments/worker/scale"
    assert pods("a/b").path("x") == "/api/v1/namespaces/a%2Fb/pods/x"
    assert NODES.path() == "/api/v1/nodes"
    assert Resource("argoproj.io", "v1alpha1", "").path() == "/apis/argoproj.io/v1alpha1"
