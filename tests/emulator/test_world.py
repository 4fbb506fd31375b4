"""One deployment and the way in which its objects change."""

from dataclasses import replace

import pytest

from planasonix_emulator.messages import Problem


def test_the_time_of_a_write_is_later_than_the_last(world, record):
    """A write has a later time than the one before it, at the precision of replies, clock or not."""
    deployment = world()
    deployment.clock.hold(1000)
    assert deployment.moment() == 1_000_000_000
    assert deployment.moment(record(updated_at=999_000_000)) == 1_000_000_000
    assert deployment.moment(record(updated_at=1_000_000_000)) == 1_001_000_000
    assert deployment.moment(record(updated_at=2_000_500_000)) == 2_001_000_000


def test_names_stand_within_collection_and_organization(world, record):
    """A name is taken only by another active object of the same kind and organization."""
    deployment = world()
    deployment.save(None, record("cred_1", name="a"))
    deployment.claim(record("cred_1", name="a"))
    deployment.claim(record("conn_1", name="a"))
    deployment.claim(record("cred_2", name="a", organization="org_2"))
    deployment.claim(record("cred_2", name="A"))
    with pytest.raises(Problem):
        deployment.claim(record("cred_2", name="a"))


def test_trash_and_back(world, record):
    """An object goes into the trash and comes back with later times."""
    deployment = world()
    kept = deployment.save(None, record())
    gone = deployment.trash(kept)
    assert not gone.active
    assert gone.deleted_at == gone.updated_at > kept.updated_at
    back = deployment.revive(gone)
    assert back == replace(kept, updated_at=back.updated_at)
    assert back.updated_at > gone.updated_at


def test_removed_connections_are_absent(world, record):
    """A connection has no trash that a client could see; a credential has."""
    deployment = world()
    deployment.trash(deployment.save(None, record("conn_1")))
    deployment.trash(deployment.save(None, record("cred_1")))
    assert deployment.found("credentials", "org_1", "cred_1").status == "deleted"
    with pytest.raises(Problem):
        deployment.found("connections", "org_1", "conn_1")
