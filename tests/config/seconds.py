"""A limit of CPU time for a block of a test."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within_a_second() -> Iterator[None]:
    """Fails when the block takes a second of CPU; not while coverage slows it down."""
    begun = time.process_time()
    yield
    assert sys.gettrace() is not None or time.process_time() - begun < 1
