"""Replicas by steps: far above a bound more are added than a little above it.

As step scaling of AWS does it. In place of a cooldown, what was added must be ready before more is
added, and `behavior` limits both directions.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from autoscaler.engine.samples import Aggregate, selector, value_of, why_missing
from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation

MAX_STEPS = 50


class StepRule(Options):
    """What to do while the sample is above a bound, or at most there."""

    above: float | None = Field(default=None, description="holds while the sample is above this")
    at_most: float | None = Field(
        default=None, description="holds while the sample is this or below"
    )
    change: int | None = Field(
        default=None, strict=True, description="replicas to add, or with '-' to take away"
    )
    percent: int | None = Field(
        default=None, strict=True, ge=-100, description="the same in percent, at least one replica"
    )
    replicas: int | None = Field(
        default=None, strict=True, ge=0, description="replicas to have, whatever there are now"
    )

    @model_validator(mode="after")
    def _one_bound_one_effect(self) -> Self:
        if (self.above is None) == (self.at_most is None):
            raise ValueError("needs a bound: above or at_most, one of the two")
        effects = [each for each in (self.change, self.percent, self.replicas) if each is not None]
        if len(effects) != 1:
            raise ValueError("needs an effect: change, percent or replicas, one of the three")
        if self.replicas is None and effects == [0]:
            raise ValueError("a change of 0 does nothing; leave the step out")
        return self

    def __str__(self) -> str:
        bound = f"above {self.above:g}" if self.above is not None else f"at most {self.at_most:g}"
        if self.replicas is not None:
            return f"{bound}: {self.replicas} replicas"
        unit = f"{self.change:+d}" if self.change is not None else f"{self.percent:+d} %"
        return f"{bound}: {unit}"

    def apply(self, current: int, ready: int) -> int:
        """The replicas to have. Growth counts from those that are ready, so it does not pile up."""
        if self.replicas is not None:
            return self.replicas
        growing = (self.change or self.percent or 0) > 0
        start = ready if growing else current
        size = start + (self.change if self.change is not None else self._share_of(start))
        return max(current, size) if growing else max(0, size)

    def _share_of(self, replicas: int) -> int:
        """The percentage as a count: towards zero, but at least one, as AWS rounds."""
        percent = self.percent or 0
        size = max(1, replicas * abs(percent) // 100)
        return size if percent > 0 else -size


def _checked_steps(steps: tuple[StepRule, ...]) -> tuple[StepRule, ...]:
    if not 1 <= len(steps) <= MAX_STEPS:
        raise ValueError(f"must hold 1 to {MAX_STEPS} steps, not {len(steps)}")
    above = [step.above for step in steps if step.above is not None]
    at_most = [step.at_most for step in steps if step.at_most is not None]
    for bounds in (above, at_most):
        twice = [bound for bound in bounds if bounds.count(bound) > 1]
        if twice:
            raise ValueError(f"two steps have the bound {twice[0]:g}; each needs its own")
    if above and at_most and max(at_most) > min(above):
        raise ValueError(
            f"at_most {max(at_most):g} and above {min(above):g} overlap; "
            "no at_most may be more than the least above"
        )
    return steps


class StepOptions(Options):
    """The sample and the steps."""

    sample: str = Field(min_length=1, description="name of the sample, such as queue_depth")
    labels: dict[str, str] = Field(default_factory=dict, description="labels it must have")
    aggregate: Aggregate = Field(
        default=Aggregate.SUM, description="what several such samples become"
    )
    steps: Annotated[tuple[StepRule, ...], AfterValidator(_checked_steps)] = Field(
        description="the step with the nearest bound holds; between all bounds nothing changes"
    )


class StepPolicy(Policy[StepOptions]):
    """Applies the one step that holds; between the bounds it asks for what there is."""

    options_type = StepOptions

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        sample, labels = self.options.sample, self.options.labels
        value = value_of(snapshot.samples, sample, labels, self.options.aggregate)
        if value is None:
            reason = why_missing(snapshot.samples, sample, labels)
            return Recommendation(self.context.name, None, "SampleMissing", reason)
        step = self._holding(value)
        said = f"{selector(sample, labels)} = {value:g}"
        if step is None:
            replicas, reason, message = snapshot.current, "BetweenSteps", f"{said} is in no step"
        else:
            replicas = step.apply(snapshot.current, snapshot.ready)
            reason, message = "Step", f"{said}, {step}"
        return Recommendation(self.context.name, replicas, reason, message, active=replicas > 0)

    def _holding(self, value: float) -> StepRule | None:
        """The step whose bound is the farthest of those passed."""
        above = {s.above: s for s in self.options.steps if s.above is not None and value > s.above}
        at_most = {
            s.at_most: s for s in self.options.steps if s.at_most is not None and value <= s.at_most
        }
        if above:
            return above[max(above)]
        return at_most[min(at_most)] if at_most else None
