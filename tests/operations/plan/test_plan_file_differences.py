"""The differences between two plans."""

import pytest

from keyturn.operations.plan.plan_file import describe_differences


def payload(*operations, **more):
    """Return the digest payload of a plan."""
    settings = {"workspace": "prod", "base_url": "https://a.example", **more.pop("settings", {})}
    parts = {"options": [], "manifests": {}, "open_intents": {}, "operations": list(operations)}
    return {"settings": settings, **parts, **more}


def operation(address="credential/a", **more):
    """Return an operation."""
    return {"address": address, "action": "update", "manifest": "d", "ciphers": {}, "fields": [], **more}


def test_equal_plans_have_no_differences():
    """No line."""
    assert describe_differences(payload(operation()), payload(operation())) == ()


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        (
            payload(operation(), settings={"base_url": "https://b.example"}),
            ["base_url: was https://a.example, is https://b.example"],
        ),
        (
            payload(operation(), settings={"policy.servers": ["db"]}),
            ['policy.servers: was not set, is ["db"]'],
        ),
        (payload(operation(), options=["--allow-empty"]), ["--allow-empty: was not given, is given"]),
        (
            payload(operation(), manifests={"credential/c": "1"}),
            ["credential/c: the content of its manifest"],
        ),
        (
            payload(operation(), open_intents={"i": "update credential/c"}),
            ["a request was left open: update credential/c"],
        ),
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
