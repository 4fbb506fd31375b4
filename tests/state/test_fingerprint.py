"""Keyed fingerprints of secrets."""

import hashlib
import hmac
from itertools import combinations
from math import comb

from keyturn.model.address import Address
from keyturn.model.secret import Secret
from keyturn.state.fingerprint import compute_fingerprint

KEY = bytes(range(32))
X = Address("credential", "prod-x")
PASSWORD = ("password",)


def test_the_same_secret_in_the_same_field_has_the_same_fingerprint(canary):
    """Fingerprints are stable."""
    value = canary("ascii")
    one = compute_fingerprint(KEY, X, PASSWORD, Secret(value))
    assert one == compute_fingerprint(KEY, X, PASSWORD, Secret(value))
    assert len(bytes.fromhex(one)) == 32


def test_another_key_value_name_kind_or_field_has_another_fingerprint(canary):
    """Equal values in two fields are not recognizable as equal."""
    secret, other = Secret(canary("ascii")), Secret(canary("ascii"))
    prints = {
        compute_fingerprint(KEY, X, PASSWORD, secret),
        compute_fingerprint(KEY, X, PASSWORD, other),
        compute_fingerprint(bytes(32), X, PASSWORD, secret),
        compute_fingerprint(KEY, Address("credential", "prod-y"), PASSWORD, secret),
        compute_fingerprint(KEY, Address("connection", "prod-x"), PASSWORD, secret),
        compute_fingerprint(KEY, X, ("passphrase",), secret),
        compute_fingerprint(KEY, X, ("pass", "word"), secret),
    }
    assert len(prints) == 7


def test_the_borders_of_the_parts_count():
    """The same text, split differently into kind, name, field and value, has another fingerprint."""
    letters = "aaaaaaa"
    found = {
        compute_fingerprint(KEY, Address(letters[:i], letters[i:j]), (letters[j:k],), Secret(letters[k:]))
        for i, j, k in combinations(range(1, len(letters)), 3)
    }
    assert len(found) == comb(len(letters) - 1, 3)


def test_a_fingerprint_is_no_plain_hash():
    """No common hash of the value equals the fingerprint."""
    found = compute_fingerprint(KEY, X, PASSWORD, Secret("hunter2"))
    framings = [b"", b"prod-x", b"credential/prod-x", b"/password", b"credential/prod-x/password"]
    for word in (b"hunter2", b"password", b"letmein"):
        for framing in framings:
            assert hashlib.sha256(framing + word).hexdigest() != found
            assert hmac.new(b"", framing + word, hashlib.sha256).hexdigest() != found
            assert hmac.new(word, framing, hashlib.sha256).hexdigest() != found
