"""The end of a credential that was retired."""

import pytest
from msgspec.structs import replace

from keyturn.api.errors import ServiceError
from keyturn.core.diagnostic import Faulty
from keyturn.core.outcome import Ending
from keyturn.engine.purging import purge_retired
from keyturn.ledger.event import Finished, RunEnded, RunStarted
from keyturn.ledger.lock import Held, Holder, acquire
from keyturn.ledger.record import read


@pytest.fixture
def settled(office, canary):
    """Return an office with an applied credential."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    return office


@pytest.mark.parametrize(("name", "said"), [("prod-db", "is in use"), ("nobody", "is not in the ledger")])
def test_only_what_was_retired(settled, begin, name, said):
    """The rest is said, and stays."""
    with pytest.raises(Faulty) as caught:
        purge_retired(begin(), name)
    assert said in caught.value.findings[0].message
    assert len(settled.service.read_state()["credentials"]) == 2


def test_a_tombstone_is_purged_and_forgotten(settled, begin):
    """Gone from the service and from the ledger; the lock is free."""
    settled.repo.remove("prod-db")
    assert settled.here("apply", "--yes").code == 0
    assert purge_retired(begin(), "prod-db").address.name == "prod-db"
    assert [each["name"] for each in settled.service.read_state()["credentials"]] == ["prod-other"]
    with pytest.raises(Faulty):
        purge_retired(begin(), "prod-db")
    assert settled.here("apply", "--yes").code == 0


@pytest.mark.usefixtures("settled")
def test_not_while_somebody_applies(begin):
    """The lock is taken like everywhere."""
    run = begin()
    acquire(run.store, Holder(id="x", who="ada", host="elsewhere"), run.clock)
    with pytest.raises(Held):
        purge_retired(replace(run), "prod-db")


@pytest.mark.parametrize(
    ("status", "ending", "end"), [(0, Ending.DONE, "ended"), (403, Ending.FAILED, "failed")]
)
def test_the_journal_names_who_purged(settled, begin, status, ending, end):
    """Who, host, commit and run id; a refusal is recorded, too."""
    settled.repo.remove("prod-db")
    assert settled.here("apply", "--yes").code == 0
    run = begin()
    before = len(list(read(run.store.tape().read(0))))
    if status:
        settled.service.add_fault("status_before", method="DELETE", status=status)
        with pytest.raises(ServiceError):
            purge_retired(run, "prod-db")
    else:
        purge_retired(run, "prod-db")
    events = [record.event for record in read(run.store.tape().read(0))][before:]
    (started,) = [each for each in events if isinstance(each, RunStarted)]
    assert (started.command, started.who, started.host) == ("purge", run.author.who, run.author.host)
    assert [each.ending for each in events if isinstance(each, Finished)] == [ending]
    assert [(each.run, each.ending) for each in events if isinstance(each, RunEnded)] == [(started.run, end)]
