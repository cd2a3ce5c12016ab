"""Tables, colours and sparklines for a terminal, and plain text for everything else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TextIO

BARS = "▁▂▃▄▅▆▇█"
PLAIN, BOLD, DIM, RED, GREEN, YELLOW = "", "1", "2", "31", "32", "33"

Part = tuple[str, str]
"""A colour and a text."""
Cell = str | Part


def colors_on(stream: TextIO) -> bool:
    """Whether people see this stream on a terminal and have nothing against colours."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def painted(parts: Iterable[Part], columns: int, *, colors: bool) -> str:
    """The parts in their colours, cut off at `columns` with an ellipsis."""
    text, left = "", columns
    for color, part in parts:
        shown = part if len(part) <= left else part[: max(0, left - 1)] + "…" * (left > 0)
        left -= len(shown)
        text += f"\x1b[{color}m{shown}\x1b[0m" if colors and color and shown else shown
    return text


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Cell]], stream: TextIO | None = None
) -> str:
    """Aligned columns for a stream (stdout): numbers to the right, no wider than a terminal is."""
    stream = stream or sys.stdout
    lines = [[_part(cell) for cell in row] for row in rows]
    columns = list(zip([(DIM, name.upper()) for name in headers], *lines, strict=True))
    widths = [max(len(text) for _, text in column) for column in columns]
    right = [all(_is_number(text) for _, text in column[1:]) for column in columns]
    most = shutil.get_terminal_size().columns if stream.isatty() else sys.maxsize
    return "\n".join(
        painted(_aligned(row, widths, right), most, colors=colors_on(stream)).rstrip()
        for row in zip(*columns, strict=True)
    )


def sparkline(values: Iterable[float | None], width: int, top: float | None = None) -> str:
    """The values as bars from 0 to `top` (the highest), squeezed to `width`; unknown is a gap."""
    known = list(values)
    highest = max((value for value in known if value is not None), default=0.0)
    buckets = min(width, len(known))
    edges = [index * len(known) // buckets for index in range(buckets + 1)] if buckets else []
    spans = [known[a:b] for a, b in pairwise(edges)]
    return "".join(_bar(span, highest if top is None else top) for span in spans).ljust(width)


def _bar(span: Sequence[float | None], top: float) -> str:
    known = [value for value in span if value is not None]
    if not known:
        return " "
    share = max(known) / top if top else 0.0
    return BARS[min(len(BARS) - 1, round(share * (len(BARS) - 1)))]


def _part(cell: Cell) -> Part:
    return (PLAIN, cell) if isinstance(cell, str) else cell


def _is_number(text: str) -> bool:
    return not text.strip("0123456789.-? ")


def _aligned(row: Sequence[Part], widths: Sequence[int], right: Sequence[bool]) -> Iterable[Part]:
    for (color, text), width, to_right in zip(row, widths, right, strict=True):
        gap = " " * (width - len(text))
        yield PLAIN, gap if to_right else ""
        yield color, text
        yield PLAIN, ("" if to_right else gap) + "  "
