"""The inputs of a plan: what must be decrypted, and live objects by name."""

import pytest

from keyturn.planning.inputs import Approvals, needs_decryption
from sample_resources import credential_address, make_desired, make_inputs, make_live_object, make_state_entry

A = credential_address("prod-db")
SECRET = {"password": "p1"}


def encrypted(**more):
    """Return a manifest with an encrypted secret."""
    return make_desired(A, secrets=SECRET, opened=False, **more)


def test_an_unchanged_resource_stays_encrypted():
    """Same digest and same updated_at: no key is needed."""
    known = make_state_entry(encrypted(), "id-1", SECRET)
    assert needs_decryption(make_inputs(encrypted(), known, make_live_object(known))) == ()


@pytest.mark.parametrize(
    "resources",
    [
        lambda: (encrypted(),),
        lambda: (
            encrypted(digest="d2"),
            make_state_entry(encrypted(), "id-1", SECRET),
            make_live_object(make_state_entry(encrypted(), "id-1", SECRET)),
        ),
        lambda: (encrypted(), make_state_entry(encrypted(), "id-1", SECRET)),
        lambda: (
            encrypted(),
            make_state_entry(encrypted(), "id-1"),
            make_live_object(make_state_entry(encrypted(), "id-1")),
        ),
        lambda: (
            encrypted(),
            make_state_entry(encrypted(), "id-1", SECRET, retired_at="t"),
            make_live_object(make_state_entry(encrypted(), "id-1", SECRET)),
        ),
        lambda: (
            encrypted(),
            make_state_entry(encrypted(), "id-1", SECRET),
            make_live_object(make_state_entry(encrypted(), "id-1", SECRET), updated_at="later"),
        ),
        lambda: (
            encrypted(),
            make_state_entry(encrypted(), "id-1", SECRET),
            make_live_object(make_state_entry(encrypted(), "id-1", SECRET), status="deleted"),
        ),
    ],
    ids=[
        "new",
        "file changed",
        "object gone",
        "fingerprint missing",
        "tombstone",
        "live touched",
        "live deleted",
    ],
)
def test_a_possible_write_needs_decryption(resources):
    """Every difference from the last apply needs the secrets."""
    assert [each.address for each in needs_decryption(make_inputs(*resources()))] == [A]


def test_a_manifest_without_secrets_is_not_decrypted():
    """There is no secret to decrypt."""
    assert needs_decryption(make_inputs(make_desired(A))) == ()


def test_live_objects_by_name():
    """Several objects can have one name; deleted objects have none."""
    one, two, gone = (make_state_entry(make_desired(A), identity) for identity in ("id-1", "id-2", "id-3"))
    inputs = make_inputs(
        make_live_object(one), make_live_object(two), make_live_object(gone, status="deleted")
    )
    assert [live.id for live in inputs.live_by_address()[A]] == ["id-1", "id-2"]


def test_a_star_approves_every_adoption():
    """One approval is enough after a lost state."""
    assert Approvals(adopt=frozenset("*")).allows_adoption("any")
    assert not Approvals(adopt=frozenset({"one"})).allows_adoption("other")
