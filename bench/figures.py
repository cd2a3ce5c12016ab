"""Measured figures beside the bounds that they are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `bound` is the most that it may be, None for what is only told."""

    name: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a share of its bound: 1 or less is within."""
        return None if self.bound is None else self.value / self.bound


def tell(title: str, figures: Sequence[Figure]) -> int:
    """Print the figures, their bounds and ratios; 1 when one is out of bounds, else 0."""
    print(f"\n{title}")
    print(f"  {'':42}{'measured':>12}{'bound':>12}{'ratio':>8}")
    for figure in figures:
        bound = "" if figure.bound is None else f"{figure.bound:,.4g} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        measured = f"{figure.value:,.4g} {figure.unit}"
        print(f"  {figure.name:42}{measured:>12}{bound:>12}{ratio:>8}")
    return int(any(figure.ratio is not None and figure.ratio > 1 for figure in figures))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(0, -int(-share * len(ordered) // 1) - 1)
    return ordered[rank]
