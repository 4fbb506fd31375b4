"""Resources: what is wanted, and whether its secrets are at hand."""

import pytest
from msgspec.structs import replace

from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject, StateEntry
from keyturn.model.secret import Secret
from making import credential, held, is_decrypted, shown, wanted


def test_opened_when_every_secret_is_at_hand(canary):
    """A manifest whose secrets were decrypted is opened."""
    assert is_decrypted(wanted(credential("a"), secrets={"password": canary(), "token": canary()}))


def test_not_opened_when_one_is_sealed(canary):
    """One secret that was not decrypted is enough to keep it closed."""
    sealed = wanted(credential("a"), secrets={"password": canary()}, opened=False)
    assert not is_decrypted(sealed)
    both = wanted(credential("a"), secrets={"password": canary()})
    mixed = {**both.secrets, ("token",): EncryptedSecret("digest")}
    assert not is_decrypted(replace(both, secrets=mixed))


def test_opened_without_secrets():
    """A manifest without secrets has nothing to open."""
    assert is_decrypted(wanted(credential("a")))


def test_looking_shows_no_secret(canary):
    """The representation of a manifest holds the masks of its secrets."""
    value = canary()
    text = repr(wanted(credential("a"), secrets={"password": value}))
    canary.also("repr", text)
    assert "Secret(hidden)" in text


@pytest.mark.parametrize(
    "make", [lambda: wanted(credential("a")), lambda: held(wanted(credential("a")), "1")]
)
def test_resources_do_not_change(make):
    """What is wanted, known and live are frozen values without a dictionary."""
    resource = make()
    with pytest.raises(AttributeError, match="immutable"):
        resource.type = "other"
    assert not hasattr(resource, "__dict__")


def test_lists_show_objects_without_detail():
    """A live object is taken as seen in full unless it is said not to be."""
    known = held(wanted(credential("a")), "1")
    assert shown(known).has_config
    assert not shown(known, has_config=False).has_config


def test_a_secret_is_kept_as_it_is(canary):
    """The secret of a manifest is the one that it was made with."""
    value = canary()
    assert wanted(credential("a"), secrets={"password": value}).secrets[("password",)] == Secret(value)


@pytest.mark.parametrize("kind", [DesiredResource, StateEntry, LiveObject])
def test_positions_mean_nothing(kind):
    """With that many fields, each is named."""
    with pytest.raises(TypeError, match="positional"):
        kind(credential("a"))
