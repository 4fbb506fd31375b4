"""Rotation: what is tried, and what is told."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.operations.apply.connection_probe import ConnectionTestVerdict
from keyturn.operations.apply.rotate import SecretRejected, purge_probe, rotate_secrets
from keyturn.operations.apply.rotate import check_written_connection as verdict_of
from keyturn.operations.apply.writes import create_object
from making import connection, credential, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def test_a_rejection_names_those_that_failed():
    """With the reason, or that none was given; those that passed are not in it."""
    verdicts = [
        ConnectionTestVerdict(PG, True, ""),
        ConnectionTestVerdict(connection("b"), False, "no"),
        ConnectionTestVerdict(connection("c"), False, ""),
    ]
    rejected = SecretRejected(verdicts, "rolled back")
    assert rejected.message == "connection/b: no; connection/c: no reason given"
    assert rejected.rollback_message == "rolled back"


def test_a_rotation_needs_both_sides(desk):
    """A change that is none is a bug, and no request."""
    with pytest.raises(ValueError, match="without"):
        rotate_secrets(Change(action=Action.ROTATE, address=DB), desk)


def test_a_probe_is_deleted_for_good(office, desk, canary):
    """Not even the trash keeps it; again does nothing."""
    probe = credential("keyturn-probe-1")
    desired = wanted(probe, CONFIG, secrets={"password": canary()})
    change = Change(action=Action.CREATE, address=probe, desired=desired)
    identity = create_object(change, desk).entry.id
    intent = desk.record_intent(change, "probe", expect=probe.name)
    purge_probe(intent, identity, desk)
    assert office.service.read_state()["credentials"] == []
    purge_probe(intent, identity, desk)


def test_only_connections_are_tested_afterwards(desk):
    """And only where tests are wanted."""
    assert verdict_of(Change(action=Action.CREATE, address=DB, desired=wanted(DB)), desk) is None
    assert verdict_of(Change(action=Action.RETIRE, address=PG), desk) is None
