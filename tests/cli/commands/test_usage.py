"""keyturn usage."""

import pytest

from published_schemas import parse_valid


@pytest.fixture
def applied_setup(setup, canary):
    """Return a setup with a credential that nothing uses."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    return setup


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "prod-db  database"),
        ("markdown", "# Credentials"),
        ("csv", "credential,"),
        ("html", "<!doctype"),
    ],
)
def test_forms(applied_setup, form, start):
    """Each begins as it should."""
    assert applied_setup.run("usage", "--format", form).stdout.startswith(start)


def test_json_is_as_published(applied_setup):
    """And so for a key that may not decrypt."""
    done = applied_setup.run("usage", "--format", "json", "--no-decrypt")
    assert parse_valid("usage", done.stdout)["summary"]["unused"] == 1


@pytest.mark.parametrize(
    ("classes", "code"), [("unused", 5), ("overdue, expiring", 0), ("overdue,unused", 5), ("unusde", 64)]
)
def test_fail_on(applied_setup, classes, code):
    """Any of the classes; a class that is none is usage."""
    assert applied_setup.run("usage", "--fail-on", classes).code == code
