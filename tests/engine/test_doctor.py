"""The part of a check-up that asks the service and the ledger."""

import pytest

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.health import State
from keyturn.engine.doctor import Doors, ledger, service
from keyturn.ledger.lock import Holder, acquire


@pytest.fixture
def doors(run):
    """Return the doors of an office."""
    return Doors(service=lambda: run.service, store=lambda: run.store, clock=run.clock)


def closed():
    """Raise what a door raises that does not open."""
    raise Faulty(Diagnostic(code="KT030", severity=Severity.ERROR, message="m", origin=Origin("f")))


def test_a_service_in_order(doors, run):
    """Let in, both lists read, the clock right."""
    checks = list(service(doors, run.workspace))
    assert {each.state for each in checks} == {State.GOOD}
    assert [each.topic for each in checks] == ["api", "api", "api", "clock"]


def test_a_door_that_does_not_open_is_one_line(run):
    """Of the service as of the ledger."""
    shut = Doors(service=closed, store=closed, clock=run.clock)
    for part in (service, ledger):
        (check,) = part(shut, run.workspace)
        assert (check.state, check.code) == (State.BROKEN, "KT030")


@pytest.mark.parametrize(("advance", "word"), [(3600, "behind"), (30, "")])
def test_clocks(doors, run, office, advance, word):
    """A minute is no matter, an hour is."""
    office.service.set_clock(advance=advance)
    check = list(service(doors, run.workspace))[-1]
    assert check.topic == "clock"
    assert (check.state is State.DOUBT) is bool(word)
    assert word in check.message


def test_a_ledger_in_order(doors, run):
    """Empty as it is, and free."""
    assert [(each.topic, each.state) for each in ledger(doors, run.workspace)] == [
        ("ledger", State.GOOD),
        ("journal", State.GOOD),
        ("lock", State.GOOD),
    ]


def test_a_lock_that_is_held(doors, run):
    """Who holds it, and what takes it away."""
    acquire(run.store, Holder(id="3f9c", who="ada", host="elsewhere"), run.clock)
    check = list(ledger(doors, run.workspace))[-1]
    assert check.state is State.DOUBT
    assert "ada on elsewhere" in check.message
    assert check.hint.endswith("keyturn unlock 3f9c")


def test_a_ledger_that_is_damaged(doors, run, office):
    """Broken, with the code that explains it."""
    folder = office.repo.root / ".keyturn/prod"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledger.json").write_text("{")
    (check,) = ledger(doors, run.workspace)
    assert check.state is State.BROKEN
    assert check.code.startswith("KT60")
