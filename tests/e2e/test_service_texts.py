"""Texts of a target in every output: what happened, and nothing of a secret."""

import base64
from urllib.parse import quote

import pytest

ENCODINGS = {
    "raw": str,
    "reversed": lambda text: text[::-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "url": lambda text: quote(text, safe=""),
    "zero width": "\u200b".join,
    "spaced": " ".join,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_target_that_repeats_the_secret(setup, canary, encoding):
    """Apply, test, log, report and journal show the message without it."""
    secret = canary("ascii")
    told = ENCODINGS[encoding](secret)
    message = f"Login failed for PROD-PG at db.example.com with {told}: Access denied"
    target = {"type": "postgres", "match": {"host": "db.example.com"}, "outcome": "auth", "message": message}
    setup.service.set_targets([target])
    setup.repo.credential("prod-db", {"password": secret})
    setup.repo.connection("prod-pg", "prod-db")
    outputs = [
        setup.run("apply", "--auto-approve"),
        setup.run("test", "--format", "json"),
        setup.run("test", "--format", "junit"),
        setup.run("apply", "--auto-approve", "--format", "json"),
        setup.run("log"),
    ]
    shown = " ".join(outputs[0].stdout.split())
    assert "login failed for prod-pg at db.example.com with … access denied" in shown
    assert "login failed for prod-pg at db.example.com with " in outputs[1].stdout
    journal = (setup.repo.root / ".keyturn/prod/journal.jsonl").read_text()
    for text in (*(each.stdout + each.stderr for each in outputs), journal):
        assert told not in text
        canary.record("an output", text)
