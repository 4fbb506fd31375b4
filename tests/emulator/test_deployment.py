"""One deployment and the changes of its objects."""

from dataclasses import replace

import pytest

from planasonix_emulator.http.messages import ApiError


def test_the_time_of_a_write_is_later_than_the_last(make_deployment, record):
    """Each write has a later time than the write before, at the precision of responses."""
    deployment = make_deployment()
    deployment.clock.hold(1000)
    assert deployment.next_write_time() == 1_000_000_000
    assert deployment.next_write_time(record(updated_at=999_000_000)) == 1_000_000_000
    assert deployment.next_write_time(record(updated_at=1_000_000_000)) == 1_001_000_000
    assert deployment.next_write_time(record(updated_at=2_000_500_000)) == 2_001_000_000


def test_names_stand_within_collection_and_organization(make_deployment, record):
    """A name is taken only by another active object of the same kind and organization."""
    deployment = make_deployment()
    deployment.save_record(None, record("cred_1", name="a"))
    deployment.require_free_name(record("cred_1", name="a"))
    deployment.require_free_name(record("conn_1", name="a"))
    deployment.require_free_name(record("cred_2", name="a", organization="org_2"))
    deployment.require_free_name(record("cred_2", name="A"))
    with pytest.raises(ApiError):
        deployment.require_free_name(record("cred_2", name="a"))


def test_trash_and_back(make_deployment, record):
    """An object is deleted and restored with later times."""
    deployment = make_deployment()
    kept = deployment.save_record(None, record())
    gone = deployment.trash_record(kept)
    assert not gone.is_active
    assert gone.deleted_at == gone.updated_at > kept.updated_at
    back = deployment.restore_record(gone)
    assert back == replace(kept, updated_at=back.updated_at)
    assert back.updated_at > gone.updated_at


def test_removed_connections_are_absent(make_deployment, record):
    """A deleted connection is not found; a deleted credential is."""
    deployment = make_deployment()
    deployment.trash_record(deployment.save_record(None, record("conn_1")))
    deployment.trash_record(deployment.save_record(None, record("cred_1")))
    assert deployment.find_object("credentials", "org_1", "cred_1").status == "deleted"
    with pytest.raises(ApiError):
        deployment.find_object("connections", "org_1", "conn_1")
