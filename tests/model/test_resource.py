"""Desired resources, live objects and state entries."""

import pytest

from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.model.secret import Secret
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry


def test_repr_shows_no_secret(canary):
    """The representation of a manifest contains masks."""
    value = canary()
    text = repr(make_desired(credential_address("a"), secrets={"password": value}))
    canary.record("repr", text)
    assert "Secret(hidden)" in text


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_desired(credential_address("a")),
        lambda: make_state_entry(make_desired(credential_address("a")), "1"),
    ],
)
def test_resources_are_immutable(make):
    """The values are frozen and have no instance dictionary."""
    resource = make()
    with pytest.raises(AttributeError, match="immutable"):
        resource.type = "other"
    assert not hasattr(resource, "__dict__")


def test_live_object_has_config_by_default():
    """Only list items may lack their config."""
    known = make_state_entry(make_desired(credential_address("a")), "1")
    assert make_live_object(known).has_config
    assert not make_live_object(known, has_config=False).has_config


def test_secret_is_stored_unchanged(canary):
    """The secret of a manifest is the one that was given."""
    value = canary()
    assert make_desired(credential_address("a"), secrets={"password": value}).secrets[
        ("password",)
    ] == Secret(value)


@pytest.mark.parametrize("kind", [DesiredResource, StateEntry, LiveObject])
def test_fields_are_keyword_only(kind):
    """Values with many fields take no positional arguments."""
    with pytest.raises(TypeError, match="positional"):
        kind(credential_address("a"))
