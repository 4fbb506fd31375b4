"""Break glass."""

import pytest
from msgspec.structs import replace

from keyturn.core.diagnostic import Faulty
from keyturn.core.outcome import Ending
from keyturn.engine.breakglass import revoke, target
from keyturn.ledger.event import Finished, Intent, RunEnded, RunStarted
from keyturn.ledger.faults import fault
from keyturn.ledger.lock import Holder, acquire, holder_of
from keyturn.ledger.reading import read_ledger
from keyturn.ledger.record import read


@pytest.fixture
def used(office):
    """Put a credential with two connections into the service, by nobody's manifest."""
    (db,) = office.service.seed_objects(credentials=[{"name": "db", "type": "database", "config": {}}])[
        "credentials"
    ]
    where = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}, "credentialId": db}
    office.service.seed_objects(connections=[{"name": name, **where} for name in ("one", "two")])
    return office


def test_a_name_is_exact(used, run):
    """No near match at three in the morning."""
    assert target(run.service, "db").address.name == "db"
    for name in ("d", "DB", "db2"):
        with pytest.raises(Faulty) as caught:
            target(run.service, name)
        assert caught.value.findings[0].code == "KT470"
    assert used.live()


def test_detached_everywhere_and_deleted(used, run):
    """Settings of the connections stay."""
    done = revoke(run.service, target(run.service, "db"), lambda: run)
    assert done.complete
    assert done.unrecorded == ""
    assert [step.deed for step in done.steps] == ["detach", "detach", "soft-delete"]
    assert used.live() == {}
    for each in used.live("connections").values():
        assert not each.get("credentialId")
        assert each["config"]["host"] == "h"


def test_it_goes_on_whatever_fails(used, run):
    """One connection cannot be detached: the rest is done, and it is said."""
    used.service.add_fault("status_before", method="PUT", path="/api/connections/*", status=422)
    done = revoke(run.service, target(run.service, "db"), lambda: run)
    assert not done.complete
    assert [bool(step.trouble) for step in done.steps].count(True) >= 1
    assert len(done.steps) == 3


def journaled(run):
    """Return the events of the journal, without that of the compaction."""
    return [record.event for record in read(run.store.tape().read(0))][:-1]


def test_each_step_is_journaled_before_it_is_sent(used, run):
    """Who, host, commit and run id; three intents with their ends; no entry of the ledger changes."""
    used.service.add_fault("status_before", method="PUT", path="/api/connections/*", status=422)
    revoke(run.service, target(run.service, "db"), lambda: run)
    started, *steps, ended = journaled(run)
    assert isinstance(started, RunStarted)
    assert (started.command, started.who, started.host) == ("revoke", run.author.who, run.author.host)
    intents = {each.id: each.op for each in steps if isinstance(each, Intent)}
    assert sorted(intents.values()) == ["detach", "detach", "soft-delete"]
    ends = [each for each in steps if isinstance(each, Finished)]
    assert {each.intent for each in ends} == intents.keys()
    assert sorted(each.ending.value for each in ends) == ["done", "done", "failed"]
    assert ended == RunEnded(started.run, "ended", {"done": 2, "failed": 1})
    ledger = read_ledger(run.store, run.workspace.name, run.workspace.organization).ledger
    assert (ledger.entries, ledger.open) == ({}, ())
    assert holder_of(run.store) is None


def test_an_unknown_outcome_stays_open_in_the_journal(used, run):
    """The next run looks."""
    used.service.add_fault("status_after", method="DELETE", path="/api/credentials/*", status=500, times=0)
    done = revoke(run.service, target(run.service, "db"), lambda: run)
    assert not done.complete
    (end,) = [each for each in journaled(run) if isinstance(each, Finished) and each.ending is Ending.UNSURE]
    assert end.address.kind == "credential"


def test_a_held_lock_does_not_stop_it(used, run):
    """It is done without a record, which the result says."""
    acquire(run.store, Holder(id="x", who="ada", host="elsewhere"), run.clock)
    done = revoke(run.service, target(run.service, "db"), lambda: run)
    assert done.complete
    assert "ada on elsewhere holds the lock" in done.unrecorded
    assert used.live() == {}
    assert list(read(run.store.tape().read(0))) == []
    assert holder_of(run.store).holder.who == "ada"


def test_a_run_that_cannot_be_opened_does_not_stop_it(used, run):
    """A store without credentials, a git that is broken."""

    def refuse():
        raise fault("KT604", "s3://b", "the ledger's bucket cannot be reached", "")

    done = revoke(run.service, target(run.service, "db"), refuse)
    assert (done.complete, done.unrecorded) == (True, "the ledger's bucket cannot be reached")
    assert used.live() == {}


class Full:
    """A store whose disk is full once the journal has so many lines."""

    def __init__(self, store, lines):
        """Allow some lines."""
        self.store, self.left = store, lines

    def __getattr__(self, name):
        """Be the store in all else."""
        return getattr(self.store, name)

    def tape(self):
        """Return a tape that counts."""
        tape = self.store.tape()
        append = tape.append

        def counted(first, lines):
            self.left -= len(lines)
            if self.left < 0:
                raise fault("KT625", "file:x", "no space left", "")
            return append(first, lines)

        tape.append = counted
        return tape


@pytest.mark.parametrize("lines", range(9))
def test_a_journal_that_fails_on_the_way_does_not_stop_it(used, run, lines):
    """Wherever the disk is full, everything is done once, and what is not recorded is said."""
    full = replace(run, store=Full(run.store, lines))
    before = used.writes()
    done = revoke(run.service, target(run.service, "db"), lambda: full)
    assert done.complete
    assert len(done.steps) == 3
    assert used.writes() == before + 3
    assert done.unrecorded == "no space left"
