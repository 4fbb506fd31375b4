"""The part of a check-up that asks the service and the state."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.results import CheckStatus
from keyturn.operations.doctor.service_checks import DoctorContext, check_service, check_state
from keyturn.state.lock import LockHolder, acquire_lock


@pytest.fixture
def doors(run):
    """Return the doors of an office."""
    return DoctorContext(open_service=lambda: run.service, open_store=lambda: run.store, clock=run.clock)


def closed():
    """Raise what a door raises that does not open."""
    raise DiagnosticError(
        Diagnostic(code="KT030", severity=Severity.ERROR, message="m", origin=SourceLocation("f"))
    )


def test_a_service_in_order(doors, run):
    """Let in, both lists read, the clock right."""
    checks = list(check_service(doors, run.workspace))
    assert {each.status for each in checks} == {CheckStatus.PASSED}
    assert [each.topic for each in checks] == ["api", "api", "api", "clock"]


def test_a_door_that_does_not_open_is_one_line(run):
    """Of the service as of the state."""
    shut = DoctorContext(open_service=closed, open_store=closed, clock=run.clock)
    for part in (check_service, check_state):
        (check,) = part(shut, run.workspace)
        assert (check.status, check.code) == (CheckStatus.FAILED, "KT030")


@pytest.mark.parametrize(("advance", "word"), [(3600, "behind"), (30, "")])
def test_clocks(doors, run, office, advance, word):
    """A minute is no matter, an hour is."""
    office.service.set_clock(advance=advance)
    check = list(check_service(doors, run.workspace))[-1]
    assert check.topic == "clock"
    assert (check.status is CheckStatus.WARNING) is bool(word)
    assert word in check.message


def test_a_state_in_order(doors, run):
    """Empty as it is, and free."""
    assert [(each.topic, each.status) for each in check_state(doors, run.workspace)] == [
        ("state", CheckStatus.PASSED),
        ("journal", CheckStatus.PASSED),
        ("lock", CheckStatus.PASSED),
    ]


def test_a_lock_that_is_held(doors, run):
    """Who holds it, and what takes it away."""
    acquire_lock(run.store, LockHolder(id="3f9c", who="ada", host="elsewhere"), run.clock)
    check = list(check_state(doors, run.workspace))[-1]
    assert check.status is CheckStatus.WARNING
    assert "ada on elsewhere" in check.message
    assert check.hint.endswith("keyturn unlock 3f9c")


def test_a_state_that_is_damaged(doors, run, office):
    """Broken, with the code that explains it."""
    folder = office.repo.root / ".keyturn/prod"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_text("{")
    (check,) = check_state(doors, run.workspace)
    assert check.status is CheckStatus.FAILED
    assert check.code.startswith("KT60")
