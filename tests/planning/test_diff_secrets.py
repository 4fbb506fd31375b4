"""The status of secret fields."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import SecretChange, SecretStatus
from keyturn.model.resource import EncryptedSecret
from keyturn.planning.diff import compute_secret_changes, mark_suspect_secrets
from sample_resources import credential_address, make_desired, make_fingerprints, make_state_entry

DB = credential_address("prod-db")
OPENED = make_desired(DB, secrets={"password": "new"})
CLOSED = make_desired(DB, secrets={"password": "new"}, opened=False)
NOW = make_fingerprints({"password": "new"})


def known(value, **more):
    """Return a state entry with this applied password."""
    return make_state_entry(OPENED, "id", {"password": value}, **more)


@pytest.mark.parametrize(
    ("desired", "entry", "seen", "expected"),
    [
        (OPENED, None, NOW, SecretStatus.SET),
        (OPENED, make_state_entry(OPENED, "id"), NOW, SecretStatus.SET),
        (OPENED, known("new"), NOW, SecretStatus.UNCHANGED),
        (OPENED, known("old"), NOW, SecretStatus.ROTATED),
        (OPENED, known("old", earlier=("/password:wen",)), NOW, SecretStatus.REUSED),
        (CLOSED, known("old"), {}, SecretStatus.UNCHANGED),
        (CLOSED, known("old", digest="other"), {}, SecretStatus.UNKNOWN),
        (CLOSED, None, {}, SecretStatus.UNKNOWN),
        (CLOSED, known("old"), NOW, SecretStatus.ROTATED),
    ],
)
def test_statuses(desired, entry, seen, expected):
    """From fingerprints, and from the digest of the file if nothing is decrypted."""
    (change,) = compute_secret_changes(desired, entry, seen)
    assert (change.path, change.status) == (("password",), expected)
    assert change.reason


REASONS = {
    "the file is unchanged since the last apply": (CLOSED, known("old"), {}),
    "not decrypted": (CLOSED, None, {}),
    "no record of a previous value": (OPENED, None, NOW),
    "an interrupted write is repeated": (
        OPENED,
        make_state_entry(OPENED, "id", {}, digest="", earlier=("/password:x",)),
        NOW,
    ),
    "same value as last applied": (OPENED, known("new"), NOW),
    "returns to an earlier value": (OPENED, known("old", earlier=("/password:wen",)), NOW),
    "differs from the last applied value": (OPENED, known("old"), NOW),
}
"""Each reason of a status, with the inputs that give it."""


@pytest.mark.parametrize("reason", REASONS)
def test_each_status_has_a_reason(reason):
    """The reason contains neither a value nor a fingerprint."""
    (change,) = compute_secret_changes(*REASONS[reason])
    assert change.reason == reason
    assert not {"new", "wen", "old"} & set(change.reason.split())


def test_suspect_replaces_unchanged():
    """Marking a secret as suspect writes nothing."""
    (before,) = compute_secret_changes(OPENED, known("new"), NOW)
    (after,) = mark_suspect_secrets((before,))
    assert (before.status, after.status) == (SecretStatus.UNCHANGED, SecretStatus.SUSPECT)
    assert mark_suspect_secrets((after,)) == (after,)


def test_kept_and_cleared():
    """Kept fields of the manifest are kept; removed ones are cleared."""
    entry = make_state_entry(OPENED, "id", {"password": "new", "token": "t", "key": "k"})
    found = compute_secret_changes(replace(OPENED, kept_secrets=(("token",),)), entry, NOW)
    assert {change.path[0]: change.status for change in found} == {
        "password": SecretStatus.UNCHANGED,
        "token": SecretStatus.KEPT,
        "key": SecretStatus.CLEARED,
    }


def test_secrets_are_sorted_by_path():
    """Equal inputs give equal plans."""
    desired = replace(CLOSED, secrets={("b",): EncryptedSecret("1"), ("a",): EncryptedSecret("2")})
    assert [change.path for change in compute_secret_changes(desired, None, {})] == [("a",), ("b",)]


def test_only_unchanged_secrets_become_suspect():
    """A secret that is written anyway keeps its status."""
    before = tuple(SecretChange((state.value,), state) for state in SecretStatus)
    after = mark_suspect_secrets(before)
    for old, new in zip(before, after, strict=True):
        if old.status is SecretStatus.UNCHANGED:
            assert new.status is SecretStatus.SUSPECT
            assert "no visible field" in new.reason
        else:
            assert new == old
