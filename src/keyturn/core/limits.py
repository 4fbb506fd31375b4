"""How much one plan may do unasked."""

from keyturn.core.frozen import frozen


@frozen
class Limit:
    """How much a plan may do of one thing unasked: ``count``, and ``percent`` of what is ours."""

    count: int
    percent: int


@frozen
class Limits:
    """The limits on a whole plan."""

    retire: Limit = Limit(5, 20)
    rotate: Limit = Limit(20, 50)
