"""Rotation and probes."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.operations.apply.connection_tests import ConnectionTestVerdict
from keyturn.operations.apply.rotate import (
    SecretRejected,
    check_written_connection,
    purge_probe,
    rotate_secrets,
)
from keyturn.operations.apply.writes import create_object
from sample_resources import connection_address, credential_address, make_desired

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def test_a_rejection_names_failed_connections():
    """With the reason, or that none was given; passed tests are left out."""
    verdicts = [
        ConnectionTestVerdict(address=PG, passed=True, message=""),
        ConnectionTestVerdict(address=connection_address("b"), passed=False, message="no"),
        ConnectionTestVerdict(address=connection_address("c"), passed=False, message=""),
    ]
    rejected = SecretRejected(verdicts, "rolled back")
    assert rejected.message == "connection/b: no; connection/c: no reason given"
    assert rejected.rollback_message == "rolled back"


def test_rotate_requires_manifest_and_live_object(context):
    """A change without them is a bug, and no request is sent."""
    with pytest.raises(ValueError, match="without"):
        rotate_secrets(Change(action=Action.ROTATE, address=DB), context)


def test_a_probe_is_deleted_permanently(setup, context, canary):
    """A second purge does nothing."""
    probe = credential_address("keyturn-probe-1")
    desired = make_desired(probe, CONFIG, secrets={"password": canary()})
    change = Change(action=Action.CREATE, address=probe, desired=desired)
    identity = create_object(change, context).entry.id
    intent = context.record_intent(change, "probe", expect=probe.name)
    purge_probe(intent, identity, context)
    assert setup.service.read_state()["credentials"] == []
    purge_probe(intent, identity, context)


def test_only_written_connections_are_tested(context):
    """A credential and a retired connection have no test."""
    assert (
        check_written_connection(Change(action=Action.CREATE, address=DB, desired=make_desired(DB)), context)
        is None
    )
    assert check_written_connection(Change(action=Action.RETIRE, address=PG), context) is None
