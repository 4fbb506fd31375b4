"""What is removed from the text of a new secret, and what is restored in it."""

import pytest

from certificates import make_certificate
from keyturn.operations.secrets.secret_text import (
    MAX_SECRET_BYTES,
    CleanedSecret,
    clean_secret,
    decode_secret,
)
from keyturn.policy.rules.key_material import KeyProblem, load_certificates, open_private_key


@pytest.fixture(scope="module")
def pair():
    """Return a certificate and its private key, as PEM."""
    made = make_certificate()
    return made.pem, made.private()


DAMAGES = {
    "literal breaks": lambda pem: pem.strip().replace("\n", "\\n"),
    "literal breaks and a newline": lambda pem: pem.strip().replace("\n", "\\n") + "\n",
    "literal Windows breaks": lambda pem: pem.replace("\n", "\\r\\n"),
    "quoted, as in JSON": lambda pem: '"' + pem.replace("\n", "\\n") + '"',
    "blanks": lambda pem: pem.strip().replace("\n", " "),
    "nothing": lambda pem: pem.strip().replace("\n", ""),
    "quotes": lambda pem: "'" + pem + "'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_line_breaks_of_a_pem_are_restored(pair, damage):
    """Certificates, keys and both in one text."""
    certificate, key = pair
    for pem in (certificate, key, certificate + key):
        cleaned = clean_secret(damage(pem))
        assert cleaned.text == pem
        assert cleaned.notes == ("restored the line breaks of the PEM text",)
    assert len(load_certificates(clean_secret(damage(certificate)).text)) == 1
    assert not isinstance(open_private_key(clean_secret(damage(key)).text), KeyProblem)


def test_a_good_pem_stays(pair):
    """Byte for byte, with either line end and with text around it."""
    for pem in pair:
        for text in (pem, pem.replace("\n", "\r\n"), "Bag Attributes\n" + pem, pem + "\n"):
            assert clean_secret(text) == CleanedSecret(text)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----AAAA-----END CERTIFICATE-----",
        '{"private_key": "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n"}',
        "pass\\nword",
        '"quoted"',
    ],
)
def test_other_text_stays(text):
    """A half PEM, JSON with a PEM, a password with a backslash."""
    assert clean_secret(text) == CleanedSecret(text)


def test_a_header_is_not_lost():
    """The headers of an encrypted key are no base64: the text stays on its line."""
    label = "RSA PRIVATE KEY-----"
    text = f"-----BEGIN {label} Proc-Type: 4,ENCRYPTED DEK-Info: X,1 AAAA -----END {label}"
    assert clean_secret(text) == CleanedSecret(text)


@pytest.mark.parametrize(
    ("text", "expected", "notes"),
    [
        ("pw\n", "pw", 0),
        ("pw\r\n", "pw", 0),
        ("\ufeffpw\n", "pw", 1),
        ("one\ntwo\n", "one\ntwo\n", 0),
        (" pw ", " pw ", 0),
        ("", "", 0),
    ],
)
def test_what_a_shell_or_an_editor_adds(text, expected, notes):
    """A last newline and a byte order mark."""
    cleaned = clean_secret(text)
    assert (cleaned.text, len(cleaned.notes)) == (expected, notes)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        ("pw".encode("utf-16"), "UTF-16"),
        ("pw".encode("utf-16-be").join([b"\xfe\xff", b""]), "UTF-16"),
        (b"\xe4", "not UTF-8"),
        (b"x" * (MAX_SECRET_BYTES + 1), "more than 256 KiB"),
    ],
)
def test_an_input_without_a_secret_is_refused(data, said):
    """The message names the input."""
    with pytest.raises(ValueError, match=said) as caught:
        decode_secret(data, "key.txt")
    assert str(caught.value).startswith("key.txt")


def test_the_text_is_not_shown():
    """In a traceback or a log."""
    assert "hidden" not in repr(CleanedSecret("hidden", ("a note",)))
