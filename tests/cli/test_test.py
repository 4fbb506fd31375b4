"""keyturn test."""

import json

import pytest


@pytest.fixture
def settled(office, canary):
    """Return an office with an applied connection whose target knows its secret."""
    secret = canary()
    office.service.set_targets(
        [{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [secret]}}]
    )
    office.repo.credential("prod-db", {"password": secret})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    return office


@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_forms(settled, form):
    """Each names the connection; JSON is one value."""
    done = settled.here("test", "--format", form)
    assert done.code == 0, done.stderr
    assert "prod-pg" in done.stdout
    if form == "json":
        json.loads(done.stdout)


def test_a_login_that_fails(settled, canary):
    """1, and the reason."""
    settled.service.set_targets(
        [{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": [canary()]}}]
    )
    assert settled.here("test", "prod-pg").code == 1


def test_what_was_edited_is_not_tested(settled):
    """5: a test would carry the secret to wherever the edit points."""
    settled.service.clock(advance=5)
    settled.service.edit("connections", "prod-pg", config={"host": "evil.example.com"})
    assert settled.here("test").code == 5


def test_a_name_that_means_nothing(settled):
    """A typing mistake is no success."""
    done = settled.here("test", "prod-pgg")
    assert done.code == 1
    assert "KT070" in done.stderr
