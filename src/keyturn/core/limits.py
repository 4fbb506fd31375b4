"""How much one plan may do unasked."""

from msgspec import Struct


class PlanLimit(Struct, frozen=True):
    """How much a plan may do of one thing unasked: ``count``, and ``percent`` of what is ours."""

    count: int
    percent: int


class PlanLimits(Struct, frozen=True):
    """The limits on a whole plan."""

    retire: PlanLimit = PlanLimit(5, 20)
    rotate: PlanLimit = PlanLimit(20, 50)
