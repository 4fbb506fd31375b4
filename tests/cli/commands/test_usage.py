"""keyturn usage."""

import pytest

from published import valid


@pytest.fixture
def settled(office, canary):
    """Return an office with a credential that nothing uses."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.here("apply", "--yes").code == 0
    return office


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "prod-db  database"),
        ("markdown", "# Credentials"),
        ("csv", "credential,"),
        ("html", "<!doctype"),
    ],
)
def test_forms(settled, form, start):
    """Each begins as it should."""
    assert settled.here("usage", "--format", form).stdout.startswith(start)


def test_json_is_as_published(settled):
    """And so for a key that may not decrypt."""
    done = settled.here("usage", "--format", "json", "--no-decrypt")
    assert valid("usage", done.stdout)["summary"]["unused"] == 1


@pytest.mark.parametrize(
    ("classes", "code"), [("unused", 5), ("overdue, expiring", 0), ("overdue,unused", 5), ("unusde", 64)]
)
def test_fail_on(settled, classes, code):
    """Any of the classes; a class that is none is usage."""
    assert settled.here("usage", "--fail-on", classes).code == code
