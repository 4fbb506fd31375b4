"""Rotation and probes."""

import pytest

from keyturn.model.change import Action, Change
from keyturn.operations.apply.connection_tests import ConnectionTestVerdict
from keyturn.operations.apply.rotate import (
    SecretRejected,
    build_probe_name,
    check_written_connection,
    purge_leftover_probe,
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


def create_in_ui(setup, canary, name):
    """Create a credential that is not in the state; return its ID."""
    tree = {"name": name, "type": "database", "config": {**CONFIG, "password": canary()}}
    return setup.service.seed_objects(credentials=[tree])["credentials"][0]


def read_ids(setup):
    """Return the IDs of all credentials of the service."""
    return [each["id"] for each in setup.service.read_state()["credentials"]]


PROBE = build_probe_name("f00d")


def open_probe_intent(context, expect=PROBE):
    """Journal the intent of a probe."""
    change = Change(action=Action.ROTATE, address=DB, desired=make_desired(DB))
    return context.record_intent(change, "probe", id="f00d", expect=expect)


def test_an_unused_leftover_probe_is_purged(setup, context, canary):
    """It has the recorded name, no entry and no user."""
    probe_id = create_in_ui(setup, canary, PROBE)
    purge_leftover_probe(open_probe_intent(context), probe_id, context)
    assert read_ids(setup) == []


@pytest.mark.parametrize(
    ("name", "expect"),
    [
        ("payroll-db", PROBE),
        ("keyturn-probe-2", PROBE),
        ("keyturn-probe-2", "keyturn-probe-2"),
        ("payroll-db", "payroll-db"),
    ],
)
def test_an_object_of_another_name_is_no_probe(setup, context, canary, name, expect):
    """A journal that names it as a probe deletes nothing, and the intent ends."""
    probe_id = create_in_ui(setup, canary, name)
    purge_leftover_probe(open_probe_intent(context, expect), probe_id, context)
    assert read_ids(setup) == [probe_id]
    assert context.journal.current_state().open_intents == ()


def test_a_managed_credential_is_no_probe(setup, context, canary):
    """An entry of the state has its ID, whatever its name is."""
    probe = credential_address(PROBE)
    desired = make_desired(probe, CONFIG, secrets={"password": canary()})
    entry = create_object(Change(action=Action.CREATE, address=probe, desired=desired), context).entry
    context.entries[entry.id] = entry
    purge_leftover_probe(open_probe_intent(context), entry.id, context)
    assert read_ids(setup) == [entry.id]


def test_a_credential_in_use_is_no_probe(setup, context, canary):
    """A connection refers to it."""
    probe_id = create_in_ui(setup, canary, PROBE)
    connection = {"name": "ui", "type": "postgres", "credentialId": probe_id, "config": {}}
    setup.service.seed_objects(connections=[connection])
    purge_leftover_probe(open_probe_intent(context), probe_id, context)
    assert read_ids(setup) == [probe_id]


def test_only_written_connections_are_tested(context):
    """A credential and a retired connection have no test."""
    assert (
        check_written_connection(Change(action=Action.CREATE, address=DB, desired=make_desired(DB)), context)
        is None
    )
    assert check_written_connection(Change(action=Action.RETIRE, address=PG), context) is None
