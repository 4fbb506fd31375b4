"""The log of received secrets."""

import hashlib

from planasonix_emulator.storage.secret_log import digest_leaves, digest_secret


def test_digests_are_salted(canary):
    """A digest is SHA-256 over the salt and then the value."""
    secret = canary()
    assert digest_secret("s", secret) == hashlib.sha256(b"s" + secret.encode()).hexdigest()
    assert digest_secret("s", secret) != digest_secret("t", secret)
    assert digest_leaves("s", {"a": {"b": secret}, "n": 5}) == {
        "a.b": digest_secret("s", secret),
        "n": digest_secret("s", "5"),
    }


def test_what_was_received(api, canary):
    """Received secrets are counted in creations, changes and tests."""
    secret = canary()
    identifier = api.credential(config={"password": secret})
    api.put(f"/api/credentials/{identifier}", {"config": {"password": secret}})
    api.post("/api/connections/test", {"type": "s3", "config": {"bucket": "b", "secretKey": secret}})
    assert api.emulator.count_secrets("s") == {digest_secret("s", secret): 3}


def test_secrets_are_logged_with_their_destinations(api, canary):
    """The log has each destination of a secret: in its credential, in a connection, in a test."""
    old, new = canary(), canary()
    credential = api.credential(config={"host": "one", "password": old})
    connection = api.connection(credentialId=credential, config={"host": "two"})
    api.put(f"/api/credentials/{credential}", {"config": {"password": new}})
    api.put(f"/api/connections/{connection}", {"config": {"host": "three"}})
    api.emulator.change_settings(unknown_target="fail")
    api.post(
        "/api/connections/test", {"type": "postgres", "config": {"host": "four"}, "credentialId": credential}
    )
    pairs = [
        (each["secret"], each["holder"], each["destination"]["host"])
        for each in api.emulator.list_pairings("s")
    ]
    first, second = digest_secret("s", old), digest_secret("s", new)
    assert sorted(pairs) == sorted(
        [
            (first, credential, "one"),
            (first, connection, "two"),
            (second, credential, "one"),
            (second, connection, "two"),
            (second, connection, "three"),
            (second, "test", "four"),
        ]
    )
