"""Which secrets are the same."""

from keyturn.model.secret import Secret
from keyturn.policy.rule import compute_run_fingerprints

SECRETS = {
    "a.yaml": {("password",): Secret("hunter22"), ("token",): Secret("other")},
    "b.yaml": {("headers", "X-Key"): Secret("hunter22")},
}


def test_equal_secrets_are_alike_wherever_they_stand():
    """In another file, under another name."""
    found = compute_run_fingerprints(SECRETS, b"k" * 32)
    assert found["a.yaml", ("password",)] == found["b.yaml", ("headers", "X-Key")]
    assert found["a.yaml", ("token",)] != found["a.yaml", ("password",)]


def test_another_run_cannot_be_compared_with():
    """The key is made for one run."""
    one, other = (set(compute_run_fingerprints(SECRETS, key * 32).values()) for key in (b"k", b"l"))
    assert not one & other
