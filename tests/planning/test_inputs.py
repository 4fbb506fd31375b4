"""What must be opened, and who stands behind a name."""

import pytest

from keyturn.planning.inputs import Approvals, needs_decryption
from making import credential, held, shown, sides, wanted

A = credential("prod-db")
SECRET = {"password": "p1"}


def sealed(**more):
    """Return a manifest whose secret was not opened."""
    return wanted(A, secrets=SECRET, opened=False, **more)


def test_an_untouched_resource_is_left_sealed():
    """Same digest, same updated_at: no key is needed."""
    known = held(sealed(), "id-1", SECRET)
    assert needs_decryption(sides(sealed(), known, shown(known))) == ()


@pytest.mark.parametrize(
    "resources",
    [
        lambda: (sealed(),),
        lambda: (sealed(digest="d2"), held(sealed(), "id-1", SECRET), shown(held(sealed(), "id-1", SECRET))),
        lambda: (sealed(), held(sealed(), "id-1", SECRET)),
        lambda: (sealed(), held(sealed(), "id-1"), shown(held(sealed(), "id-1"))),
        lambda: (
            sealed(),
            held(sealed(), "id-1", SECRET, retired_at="t"),
            shown(held(sealed(), "id-1", SECRET)),
        ),
        lambda: (
            sealed(),
            held(sealed(), "id-1", SECRET),
            shown(held(sealed(), "id-1", SECRET), updated_at="later"),
        ),
        lambda: (
            sealed(),
            held(sealed(), "id-1", SECRET),
            shown(held(sealed(), "id-1", SECRET), status="deleted"),
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
def test_whatever_may_need_a_write_is_opened(resources):
    """Each way of moving away from what was applied asks for the secrets."""
    assert [each.address for each in needs_decryption(sides(*resources()))] == [A]


def test_a_manifest_without_secrets_is_never_opened():
    """There is nothing to open."""
    assert needs_decryption(sides(wanted(A))) == ()


def test_a_name_may_stand_for_several_objects_and_never_for_a_deleted_one():
    """Deleted objects do not hold their name."""
    one, two, gone = (held(wanted(A), identity) for identity in ("id-1", "id-2", "id-3"))
    inputs = sides(shown(one), shown(two), shown(gone, status="deleted"))
    assert [live.id for live in inputs.live_by_address()[A]] == ["id-1", "id-2"]


def test_a_star_agrees_to_adopt_anything():
    """After a lost state one consent is enough."""
    assert Approvals(adopt=frozenset("*")).allows_adoption("any")
    assert not Approvals(adopt=frozenset({"one"})).allows_adoption("other")
