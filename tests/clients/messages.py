"""Messages as kombu writes them, for tests that need no worker."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import uuid4


def task(tag: str | None = None, **headers: Any) -> str:
    """A waiting task."""
    return envelope([[], {}, {}], headers={"task": "nap", "id": str(uuid4()), **headers}, tag=tag)


def envelope(
    body: Any, *, headers: dict[str, Any], tag: str | None = None, kind: str = "application/json"
) -> str:
    """Any message."""
    properties = {"priority": 0, "body_encoding": "base64", "delivery_tag": tag or str(uuid4())}
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": headers,
            "properties": properties,
        }
    )
