"""What the emulator saw, for tests to ask."""

import hashlib

from planasonix_emulator.witness import Witness, digest, digests


def test_digests_are_salted(canary):
    """A digest is SHA-256 over the salt and then the value."""
    secret = canary()
    assert digest("s", secret) == hashlib.sha256(b"s" + secret.encode()).hexdigest()
    assert digest("s", secret) != digest("t", secret)
    assert digests("s", {"a": {"b": secret}, "n": 5}) == {"a.b": digest("s", secret), "n": digest("s", "5")}


def test_requests_are_numbered():
    """Each request has its number, writes are counted beside, and the log can be read from a place on."""
    witness = Witness()
    for method in ("GET", "POST", "GET", "PUT"):
        witness.begin(method, "/x", 0, write=method != "GET")
    assert [(each["number"], each["write"]) for each in witness.requests()] == [
        (1, 0),
        (2, 1),
        (3, 1),
        (4, 2),
    ]
    assert [each["number"] for each in witness.requests(since=2)] == [3, 4]
    witness.forget()
    assert witness.begin("GET", "/x", 0, write=False).number == 1


def test_what_was_received(api, canary):
    """Every arrival of a secret is counted, in creations, changes and tests."""
    secret = canary()
    identifier = api.credential(config={"password": secret})
    api.put(f"/api/credentials/{identifier}", {"config": {"password": secret}})
    api.post("/api/connections/test", {"type": "s3", "config": {"bucket": "b", "secretKey": secret}})
    assert api.emulator.secrets("s") == {digest("s", secret): 3}


def test_which_secret_met_which_place(api, canary):
    """Every destination that a secret ever stood beside is remembered: its own, a connection's, a test's."""
    old, new = canary(), canary()
    credential = api.credential(config={"host": "one", "password": old})
    connection = api.connection(credentialId=credential, config={"host": "two"})
    api.put(f"/api/credentials/{credential}", {"config": {"password": new}})
    api.put(f"/api/connections/{connection}", {"config": {"host": "three"}})
    api.emulator.set(unknown_target="fail")
    api.post(
        "/api/connections/test", {"type": "postgres", "config": {"host": "four"}, "credentialId": credential}
    )
    pairs = [
        (each["secret"], each["holder"], each["destination"]["host"]) for each in api.emulator.pairs("s")
    ]
    first, second = digest("s", old), digest("s", new)
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
