"""The differences between two plans."""

import pytest

from keyturn.operations.plan.plan_file import describe_differences


def payload(*operations, **more):
    """Return the digest payload of a plan."""
    return {"workspace": "prod", "organization": "org", "operations": list(operations), **more}


def operation(address="credential/a", **more):
    """Return an operation."""
    return {"address": address, "action": "update", "manifest": "d", "ciphers": {}, "fields": [], **more}


def test_equal_plans_have_no_differences():
    """No line."""
    assert describe_differences(payload(operation()), payload(operation())) == ()


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        (payload(operation(), workspace="stage"), ["workspace: prod then, stage now"]),
        (payload(), ["credential/a: update is no longer in the plan"]),
        (payload(operation(), operation("connection/b")), ["connection/b: update is new in the plan"]),
        (payload(operation(manifest="e")), ["credential/a: the content of its manifest"]),
        (payload(operation(ciphers={"p": "1"})), ["credential/a: an encrypted secret"]),
        (payload(operation(action="retire")), ["credential/a: the action"]),
        (
            payload(operation(expected="later", id="2")),
            [
                "credential/a: the live object changed since",
                "credential/a: the live object is a different one",
            ],
        ),
    ],
)
def test_each_difference_is_one_line(now, lines):
    """A line names the address and the kind of difference, never a value."""
    assert list(describe_differences(payload(operation()), now)) == lines
