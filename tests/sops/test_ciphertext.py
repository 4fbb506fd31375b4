"""The text form of a ciphertext."""

import base64

import pytest

from keyturn.sops.ciphertext import looks_encrypted, parse_ciphertext

_DATA = base64.b64encode(b"x" * 5).decode()
_IV = base64.b64encode(b"i" * 32).decode()
_TAG = base64.b64encode(b"t" * 16).decode()
_GOOD = f"ENC[AES256_GCM,data:{_DATA},iv:{_IV},tag:{_TAG},type:str]"


def test_parses_the_form_of_sops():
    """The parts are bytes."""
    found = parse_ciphertext(_GOOD)
    assert (found.data, found.iv, found.tag, found.type) == (b"x" * 5, b"i" * 32, b"t" * 16, "str")


@pytest.mark.parametrize(
    "text",
    [
        _GOOD + " ",
        _GOOD + "x",
        " " + _GOOD,
        _GOOD.replace("AES256_GCM", "AES128_GCM"),
        _GOOD.replace(_DATA, ""),
        _GOOD.replace(_DATA, "eHh4eHh="),
        _GOOD.replace(_DATA, _DATA.replace("g=", "h=")),
        _GOOD.replace(_IV, base64.b64encode(b"i" * 12).decode()),
        _GOOD.replace(_TAG, base64.b64encode(b"t" * 15).decode()),
        _GOOD.replace("type:str", "type:"),
        _GOOD.replace(",type:str", ""),
        _GOOD.replace(",iv", ", iv"),
        "ENC[]",
        "",
    ],
)
def test_rejects_other_forms(text):
    """Trailing text, other lengths and other padding bits are rejected."""
    assert parse_ciphertext(text) is None


def test_recognizes_a_ciphertext_by_its_prefix():
    """A damaged value still looks encrypted; numbers and plain text do not."""
    assert looks_encrypted("ENC[x")
    assert not looks_encrypted("xENC[")
    assert not looks_encrypted(5)
