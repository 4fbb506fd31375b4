"""What a check-up found: one line for each thing that was looked at."""

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from keyturn.core.diagnostic import Diagnostic, Severity


class State(Enum):
    """How a thing is: BROKEN stops a plan or an apply, DOUBT will one day, UNTRIED was not looked at."""

    GOOD = "good"
    NOTE = "note"
    UNTRIED = "untried"
    DOUBT = "doubt"
    BROKEN = "broken"


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; ``code`` is empty where there is nothing to explain."""

    topic: str
    state: State
    message: str
    hint: str = ""
    code: str = ""


_STATES = {Severity.ERROR: State.BROKEN, Severity.WARNING: State.DOUBT, Severity.NOTE: State.NOTE}


def good(topic: str, message: str) -> Check:
    """Return the check of a thing that is in order."""
    return Check(topic=topic, state=State.GOOD, message=message)


def untried(topic: str, message: str) -> Check:
    """Return the check of a thing that could not be looked at, with why."""
    return Check(topic=topic, state=State.UNTRIED, message=message)


def found(topic: str, findings: Iterable[Diagnostic]) -> tuple[Check, ...]:
    """Return findings as checks; where they stand is told in front of what they say."""
    return tuple(
        Check(
            topic=topic,
            state=_STATES[each.severity],
            message=f"{each.origin}: {each.message}",
            hint=each.hint,
            code=each.code,
        )
        for each in findings
    )


def broken(checks: Iterable[Check]) -> bool:
    """Tell whether anything is broken."""
    return any(each.state is State.BROKEN for each in checks)
