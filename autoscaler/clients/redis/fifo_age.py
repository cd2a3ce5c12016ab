"""How long the oldest message of a FIFO list has waited, told from counts alone."""

from __future__ import annotations

from collections import deque
from itertools import islice

MAX_SPANS = 64


class FifoAge:
    """The watermark of one list: when the messages that are still in it arrived.

    First in, first out: of a list of n messages, exactly the last n that arrived are left. So it is
    enough to know how many arrived in each span of time; what left needs not be seen. Messages put
    back at the tail (a stopping worker returns what it had not begun) count as old ones again.
    Memory is bounded: old spans are joined, and an arrival within a span is interpolated.
    """

    __slots__ = ("_known", "_length", "_spans")

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float, int]] = deque()
        self._known = 0
        self._length = 0

    def observe(self, length: int, arrived: int, since: float, at: float) -> None:
        """The list is `length` long at `at` (seconds); `arrived` came since `since`.

        Where that is not known, as at first sight, let all have arrived at `at`: the age is then a
        lower bound, that of our own acquaintance.
        """
        if arrived > 0:
            self._spans.append((since, at, arrived))
            self._known += arrived
        self._length = length
        while self._spans and self._known - self._spans[0][2] >= length:
            self._known -= self._spans.popleft()[2]
        if len(self._spans) > MAX_SPANS:
            self._join()

    def oldest(self, at: float) -> float | None:
        """The age in seconds of the oldest message; None when there is none."""
        if not self._spans:
            return None
        start, end, count = self._spans[0]
        left = min(count, self._length - (self._known - count))
        return max(0.0, at - (end - (end - start) * left / count))

    def _join(self) -> None:
        """Join the older half of the spans in pairs."""
        half = len(self._spans) // 2
        older = list(islice(self._spans, half // 2 * 2))
        newer = list(islice(self._spans, len(older), None))
        pairs = zip(older[::2], older[1::2], strict=True)
        joined = [(first[0], last[1], first[2] + last[2]) for first, last in pairs]
        self._spans = deque([*joined, *newer])
