"""What moved between two plans."""

import pytest

from keyturn.operations.plan.plan_file import describe_differences


def facts(*operations, **more):
    """Return the facts of a plan."""
    return {"workspace": "prod", "organization": "org", "operations": list(operations), **more}


def operation(address="credential/a", **more):
    """Return an operation."""
    return {"address": address, "action": "update", "manifest": "d", "ciphers": {}, "fields": [], **more}


def test_nothing_moved():
    """Equal facts have no lines."""
    assert describe_differences(facts(operation()), facts(operation())) == ()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (facts(operation(), workspace="stage"), ["workspace: prod then, stage now"]),
        (facts(), ["credential/a: update is no longer in the plan"]),
        (facts(operation(), operation("connection/b")), ["connection/b: update is new in the plan"]),
        (facts(operation(manifest="e")), ["credential/a: the content of its manifest"]),
        (facts(operation(ciphers={"p": "1"})), ["credential/a: an encrypted secret"]),
        (facts(operation(action="retire")), ["credential/a: what would be done"]),
        (
            facts(operation(expected="later", id="2")),
            [
                "credential/a: the live object was written meanwhile",
                "credential/a: the live object is another one",
            ],
        ),
    ],
)
def test_each_difference_has_its_words(now, words):
    """By address, never by value."""
    assert list(describe_differences(facts(operation()), now)) == words
