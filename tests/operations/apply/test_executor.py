"""Apply: each change as soon as what it waits for is done."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change, OutcomeStatus
from keyturn.operations.apply.executor import ACTION_HANDLERS, execute_changes, perform_change
from keyturn.operations.progress import ProgressListener
from making import connection, credential, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
WHERE = {"host": "db.example.com", "port": 5432, "database": "app"}


class Heard(ProgressListener):
    """Writes down what it hears."""

    def __init__(self):
        """Begin with nothing."""
        self.begun, self.done = [], []

    def start_change(self, change):
        """Hear that a change begins."""
        self.begun.append(change.address.name)

    def finish_change(self, outcome):
        """Hear how it ended."""
        self.done.append(outcome.outcome_status)


@pytest.fixture
def changes(canary):
    """Return the creation of a credential and of a connection that waits for it, and one apart."""
    make = {"action": Action.CREATE}
    other = credential("prod-other")
    return (
        Change(**make, address=PG, desired=wanted(PG, WHERE, uses="prod-db"), depends_on=(DB,)),
        Change(**make, address=DB, desired=wanted(DB, CONFIG, secrets={"password": canary()})),
        Change(**make, address=other, desired=wanted(other, CONFIG, secrets={"password": canary()})),
        Change(action=Action.NO_OP, address=credential("note")),
    )


def endings(ended):
    """Return how each change ended."""
    return {outcome.address.name: outcome.outcome_status for outcome in ended.outcomes}


def test_what_waits_comes_later(office, desk, changes):
    """The connection has the id of the credential that was made before it; notes are nothing to do."""
    heard = Heard()
    ended = execute_changes(changes, desk, heard, 4)
    assert set(endings(ended).values()) == {OutcomeStatus.DONE}
    assert heard.begun.index("prod-db") < heard.begun.index("prod-pg")
    assert len(heard.done) == 3
    assert office.live("connections")["prod-pg"]["credentialId"] == office.live()["prod-db"]["id"]


def test_a_failure_blocks_only_what_waits_for_it(office, desk, changes):
    """The one apart is made; the one that waits says for whom."""
    office.service.add_fault("status_before", method="POST", path="/api/credentials", status=422)
    ended = execute_changes(changes, desk, Heard(), 1)
    assert endings(ended) == {
        "prod-pg": OutcomeStatus.BLOCKED,
        "prod-db": OutcomeStatus.FAILED,
        "prod-other": OutcomeStatus.DONE,
    }
    blocked = next(each for each in ended.outcomes if each.outcome_status is OutcomeStatus.BLOCKED)
    assert blocked.message == "it waits for credential/prod-db, which failed"
    assert blocked.waits_for == (DB,)


def test_a_refused_key_stops_everything(office, desk, changes):
    """Nothing more is tried with it."""
    office.service.revoke_key(office.repo.key)
    ended = execute_changes(changes, desk, Heard(), 1)
    assert ended.unauthorized
    assert sorted(each.value for each in endings(ended).values()) == ["blocked", "blocked", "failed"]


def test_without_leave_nothing_is_written(office, desk, changes):
    """A lost lock, an interrupt."""
    ended = execute_changes(changes, replace(desk, may_write=lambda: False), Heard(), 4)
    assert ended.stopped
    assert OutcomeStatus.DONE not in endings(ended).values()
    assert office.writes() == 0


def test_what_waits_for_its_turn_is_not_sent_any_more(office, desk, changes):
    """An interrupt between intent and request: nothing is sent, and the journal says so."""
    with desk.run.service.limited_concurrency(2, lambda: False):
        ended = execute_changes(changes, desk, Heard(), 4)
    assert ended.stopped
    assert set(endings(ended).values()) == {OutcomeStatus.BLOCKED}
    assert office.writes() == 0
    assert desk.journal.current_state().open_intents == ()


def test_every_action_that_does_something_has_a_worker():
    """No change is planned that nobody can make."""
    assert set(ACTION_HANDLERS) == set(Action) - {Action.NO_OP}


def test_an_answer_that_is_lost_for_good_is_unsure(office, desk, changes):
    """Neither done nor failed: the next run looks."""
    office.service.add_fault("drop_before", method="POST", path="/api/credentials", times=0)
    outcome = perform_change(changes[1], desk)
    assert outcome.outcome_status is OutcomeStatus.UNKNOWN
    assert "apply again" in outcome.hint
