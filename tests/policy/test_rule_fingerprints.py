"""Which secrets are the same."""

from keyturn.model.secret import Secret
from keyturn.policy.rule import compute_run_fingerprints

SECRETS = {
    "a.yaml": {("password",): Secret("hunter22"), ("token",): Secret("other")},
    "b.yaml": {("headers", "X-Key"): Secret("hunter22")},
}


def test_equal_secrets_have_equal_fingerprints():
    """In another file, under another name."""
    found = compute_run_fingerprints(SECRETS, b"k" * 32)
    assert found["a.yaml", ("password",)] == found["b.yaml", ("headers", "X-Key")]
    assert found["a.yaml", ("token",)] != found["a.yaml", ("password",)]


def test_fingerprints_of_two_runs_differ():
    """The key belongs to one run."""
    one, other = (set(compute_run_fingerprints(SECRETS, key * 32).values()) for key in (b"k", b"l"))
    assert not one & other
