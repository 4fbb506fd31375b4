"""Signatures: verified by another implementation, and valid for one document, one type and one key."""

import base64
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.trust.signing import PublicKey, SigningKey, encode_for_signing

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
DER_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""The SubjectPublicKeyInfo of an Ed25519 key before its 32 bytes (RFC 8410)."""

json_strategy = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_the_encoding_is_that_of_the_protocol():
    """The example of the DSSE specification."""
    assert encode_for_signing("http://example.com/HelloWorld", "hello") == (
        b'DSSEv1 29 http://example.com/HelloWorld 7 "hello"'
    )
    assert encode_for_signing("é", {"b": 1, "a": ["ü", None, True]}) == (
        'DSSEv1 2 é 28 {"a":["ü",null,true],"b":1}'.encode()
    )


def test_openssl_accepts_a_signature(tmp_path):
    """The key and the signature are Ed25519."""
    value = {"name": "prod", "hosts": ["ä", "b"]}
    (tmp_path / "key.der").write_bytes(DER_PREFIX + KEY.public_key.data)
    (tmp_path / "data").write_bytes(encode_for_signing("keyturn/test", value))
    (tmp_path / "signature").write_bytes(base64.b64decode(KEY.sign("keyturn/test", value)))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
    command += ["-rawin", "-in", "data", "-sigfile", "signature"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@given(json_strategy, json_strategy)
def test_a_signature_is_valid_for_one_value(value, other):
    """Another value has another signature; order of keys does not matter."""
    signature = KEY.sign("t", value)
    assert KEY.public_key.is_signature(signature, "t", value)
    is_same = encode_for_signing("t", value) == encode_for_signing("t", other)
    assert KEY.public_key.is_signature(signature, "t", other) is is_same


def test_a_signature_is_valid_for_one_type_and_one_key():
    """A signature of a manifest is none of a state."""
    signature = KEY.sign("keyturn/manifest", [1])
    assert not KEY.public_key.is_signature(signature, "keyturn/state", [1])
    assert not OTHER.public_key.is_signature(signature, "keyturn/manifest", [1])


@pytest.mark.parametrize("change", ["=", " ", "\n", "bit", "short", "empty", "bytes", "none", "unicode"])
def test_a_changed_signature_is_none(change):
    """Neither another text for the same bytes nor other bytes."""
    signature = KEY.sign("t", 1)
    raw = base64.b64decode(signature)
    changed = {
        "bit": base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode(),
        "short": base64.b64encode(raw[:-1]).decode(),
        "empty": "",
        "bytes": signature.encode(),
        "none": None,
        "unicode": "é" * 88,
    }.get(change, signature + change)
    assert not KEY.public_key.is_signature(changed, "t", 1)


def test_a_public_key_has_one_text():
    """It is parsed back; its ID is that of SSH: SHA-256 without padding."""
    text = str(KEY.public_key)
    assert PublicKey.parse(text) == KEY.public_key
    assert KEY.public_key.key_id.startswith("SHA256:")
    assert len(KEY.public_key.key_id) == 50
    for wrong in ("", text[8:], text + "=", text.upper(), "ed25519:AAAA", None, 7):
        with pytest.raises(ValueError, match="not a public key"):
            PublicKey.parse(wrong)


def test_the_private_key_is_hidden():
    """Neither repr nor attributes print the root key."""
    assert repr(KEY) == f"SigningKey({KEY.public_key.key_id})"
    assert bytes(range(32)).hex() not in repr(vars(KEY))
