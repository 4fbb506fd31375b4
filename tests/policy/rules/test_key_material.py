"""Keys and certificates as text."""

import base64
import subprocess
from datetime import date

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from certificates import make_certificate
from keyturn.policy.rules.key_material import (
    KeyProblem,
    decode_base64,
    is_key_encrypted,
    load_certificates,
    matches_certificate,
    open_pfx,
    open_private_key,
    read_last_certificate_day,
)

PAIR, OTHER = make_certificate(), make_certificate(date(2028, 2, 29))


@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH]
)
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_key_opens_in_every_form(form, passphrase):
    """With the passphrase it has, or without one."""
    text = PAIR.private(passphrase, form)
    assert is_key_encrypted(text) is bool(passphrase)
    key = open_private_key(text, passphrase)
    assert matches_certificate(key, PAIR.certificate)
    assert not matches_certificate(key, OTHER.certificate)


@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH]
)
def test_a_wrong_passphrase_differs_from_an_unreadable_key(form):
    """They have different fixes."""
    assert open_private_key(PAIR.private("right", form), "wrong") is KeyProblem.DECRYPTION_FAILED
    assert open_private_key(PAIR.private("", form)[:60], "any") is KeyProblem.UNREADABLE


def test_a_key_of_ssh_keygen_is_read(tmp_path):
    """As people make them, not only as this library writes them."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", file], check=True)
    text = file.read_text()
    assert is_key_encrypted(text)
    assert open_private_key(text, "wrong") is KeyProblem.DECRYPTION_FAILED
    assert not isinstance(open_private_key(text, "open sesame"), KeyProblem)


def test_an_unneeded_passphrase_is_ignored():
    """Another rule reports it."""
    assert not isinstance(open_private_key(PAIR.private(), "unused"), KeyProblem)


def test_a_key_may_be_within_other_text():
    """A bundle starts with its certificate."""
    assert matches_certificate(open_private_key(PAIR.pem + PAIR.private()), PAIR.certificate)


def test_a_key_may_be_bare_base64():
    """Without the lines around it, as some vendors want it."""
    body = "".join(PAIR.private().splitlines()[1:-1])
    assert matches_certificate(open_private_key(body), PAIR.certificate)


def test_an_unsupported_key_is_distinguished():
    """It has no diagnostic."""
    body = b"openssh-key-v1\0" + b"\0\0\0\x07unknown" + b"\0\0\0\x06bcrypt" + b"\0" * 64
    text = base64.b64encode(body).decode()
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"
    assert is_key_encrypted(text)
    assert open_private_key(text, "any") in (KeyProblem.UNSUPPORTED, KeyProblem.DECRYPTION_FAILED)


def test_certificates_are_read_in_their_order():
    """A chain, and a text that is none."""
    assert load_certificates(PAIR.pem + OTHER.pem) == (PAIR.certificate, OTHER.certificate)
    assert load_certificates(PAIR.pem[:100]) is None


def test_the_newest_certificate_has_the_last_day():
    """A bundle may contain the old certificate after a renewal."""
    assert read_last_certificate_day(OTHER.pem) == date(2028, 2, 29)
    assert read_last_certificate_day(OTHER.pem + PAIR.pem) == date(2030, 1, 1)
    assert read_last_certificate_day("no certificate") is None
    assert read_last_certificate_day(PAIR.pem[:100]) is None


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_a_pfx_gives_key_and_certificate(password):
    """In one line of base64 or in several."""
    text = PAIR.pfx(password)
    assert matches_certificate(*open_pfx(text, password))
    assert matches_certificate(
        *open_pfx("\n".join(text[at : at + 64] for at in range(0, len(text), 64)), password)
    )


def test_a_pfx_with_a_wrong_password_differs_from_an_incomplete_one():
    """A wrong password, no PKCS #12, no key."""
    assert open_pfx(PAIR.pfx("right"), "wrong") is KeyProblem.DECRYPTION_FAILED
    assert open_pfx("no base64!") is KeyProblem.DECRYPTION_FAILED
    assert open_pfx(PAIR.pfx("right", bare=True), "right") is KeyProblem.UNREADABLE


def test_base64_is_read_strictly():
    """Blanks between are fine, other letters are not."""
    assert decode_base64("aGVs\nbG8=") == b"hello"
    assert decode_base64("hello!") is None
    assert decode_base64("ä") is None


@given(st.text(), st.text(max_size=8))
def test_any_text_has_an_answer(text, passphrase):
    """No text raises an error."""
    for given_text in (text, f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"):
        open_private_key(given_text, passphrase)
        is_key_encrypted(given_text)
        open_pfx(given_text, passphrase)
        load_certificates(given_text)
