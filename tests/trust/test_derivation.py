"""Keys derived from a root key."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from keyturn.trust.derivation import derive_key

KEY = bytes(range(32))


@given(st.binary(min_size=32, max_size=64), st.text(max_size=20))
def test_keys_are_derived_as_in_rfc_5869(key, purpose):
    """The result is that of the cryptography library."""
    theirs = HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(key)
    assert derive_key(key, purpose) == theirs


def test_each_purpose_has_its_own_key():
    """The key of saved plans does not reveal that of fingerprints."""
    assert derive_key(KEY, "fingerprint") != derive_key(KEY, "plan")


@pytest.mark.parametrize("length", [0, 16, 31])
def test_a_short_key_is_refused(length):
    """The message does not contain the key."""
    with pytest.raises(ValueError, match=f"has {length} bytes"):
        derive_key(b"k" * length, "fingerprint")
