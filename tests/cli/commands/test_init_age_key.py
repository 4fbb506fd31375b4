"""One's own age key."""

import pyrage

from keyturn.cli.commands.init import find_or_create_age_key


def test_the_key_at_hand_is_taken(age_key):
    """What sops would use is used, and nothing is made."""
    assert find_or_create_age_key({"SOPS_AGE_KEY_FILE": str(age_key.file)}) == (age_key.recipient, None)


def test_without_a_key_one_is_made_where_sops_looks(tmp_path, canary):
    """The new file is its owner's alone, and says its public key."""
    canary.allow(tmp_path / "config", "the age key itself")
    surroundings = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    public, place = find_or_create_age_key(surroundings)
    assert place == tmp_path / "config/sops/age/keys.txt"
    assert place.stat().st_mode & 0o777 == 0o600
    head, identity = place.read_text().splitlines()
    assert head == f"# public key: {public}"
    assert str(pyrage.x25519.Identity.from_str(canary.add(identity)).to_public()) == public
    assert find_or_create_age_key(surroundings) == (public, None)


def test_the_named_file_is_where_it_goes(tmp_path, canary):
    """SOPS_AGE_KEY_FILE says the place, also of a file that is not there yet."""
    named = canary.allow(tmp_path / "ci" / "key.txt", "the age key itself")
    _, place = find_or_create_age_key({"HOME": str(tmp_path), "SOPS_AGE_KEY_FILE": str(named)})
    assert place == named
    assert named.exists()
