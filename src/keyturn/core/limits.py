"""How much one plan may do unasked."""

from msgspec import Struct


class Limit(Struct, frozen=True):
    """How much a plan may do of one thing unasked: ``count``, and ``percent`` of what is ours."""

    count: int
    percent: int


class Limits(Struct, frozen=True):
    """The limits on a whole plan."""

    retire: Limit = Limit(5, 20)
    rotate: Limit = Limit(20, 50)
