"""The doctor checks of the service and the state."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.results import CheckStatus
from keyturn.operations.doctor.service_checks import DoctorContext, check_service, check_state
from keyturn.state.lock import LockHolder, acquire_lock


@pytest.fixture
def context(run):
    """Return a context with the service and the state of a run."""
    return DoctorContext(open_service=lambda: run.service, open_store=lambda: run.store, clock=run.clock)


def fail_to_open():
    """Raise the error of a service or a state that cannot be opened."""
    raise DiagnosticError(
        Diagnostic(code="KT030", severity=Severity.ERROR, message="m", origin=SourceLocation("f"))
    )


def test_a_healthy_service(context, run):
    """The key is accepted, both lists are read, the clocks agree."""
    checks = list(check_service(context, run.workspace))
    assert {each.status for each in checks} == {CheckStatus.PASSED}
    assert [each.topic for each in checks] == ["api", "api", "api", "clock"]


def test_an_error_while_opening_is_one_failure(run):
    """Of the service and of the state."""
    context = DoctorContext(open_service=fail_to_open, open_store=fail_to_open, clock=run.clock)
    for run_checks in (check_service, check_state):
        (check,) = run_checks(context, run.workspace)
        assert (check.status, check.code) == (CheckStatus.FAILED, "KT030")


@pytest.mark.parametrize(("advance", "word"), [(3600, "behind"), (30, "")])
def test_clocks(context, run, setup, advance, word):
    """A difference of an hour is a warning, half a minute is not."""
    setup.service.set_clock(advance=advance)
    check = list(check_service(context, run.workspace))[-1]
    assert check.topic == "clock"
    assert (check.status is CheckStatus.WARNING) is bool(word)
    assert word in check.message


def test_a_healthy_state(context, run):
    """An empty state with a free lock."""
    assert [(each.topic, each.status) for each in check_state(context, run.workspace)] == [
        ("state", CheckStatus.PASSED),
        ("journal", CheckStatus.PASSED),
        ("lock", CheckStatus.PASSED),
    ]


def test_a_held_lock_is_a_warning(context, run):
    """The message names the holder, the hint the command that removes the lock."""
    acquire_lock(run.store, LockHolder(id="3f9c", who="ada", host="elsewhere"), run.clock)
    check = list(check_state(context, run.workspace))[-1]
    assert check.status is CheckStatus.WARNING
    assert "ada on elsewhere" in check.message
    assert check.hint.endswith("keyturn unlock 3f9c")


def test_a_damaged_state_is_a_failure(context, run, setup):
    """With its diagnostic code."""
    folder = setup.repo.root / ".keyturn/prod"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_text("{")
    (check,) = check_state(context, run.workspace)
    assert check.status is CheckStatus.FAILED
    assert check.code.startswith("KT60")
