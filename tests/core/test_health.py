"""A check-up's findings as values."""

import pytest

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.health import State, broken, found, good, untried


@pytest.mark.parametrize(
    ("severity", "state"),
    [(Severity.ERROR, State.BROKEN), (Severity.WARNING, State.DOUBT), (Severity.NOTE, State.NOTE)],
)
def test_a_finding_becomes_a_check(severity, state):
    """It keeps its code and its hint, and says where it stands."""
    finding = Diagnostic(code="KT010", severity=severity, message="m", origin=Origin("f", 3), hint="h")
    (check,) = found("sops", [finding])
    assert (check.topic, check.state, check.message, check.hint, check.code) == (
        "sops", state, "f:3: m", "h", "KT010",
    )  # fmt: skip
    assert broken([check]) is (state is State.BROKEN)


def test_what_was_not_looked_at_breaks_nothing():
    """Neither does what is in order."""
    assert not broken([good("a", "b"), untried("c", "d")])
