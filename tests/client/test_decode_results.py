"""Connection tests, the organization, its limits."""

import pytest

from keyturn.client.decode import (
    decode_limits,
    decode_organization,
    decode_test_response,
    is_explicit_failure,
)
from keyturn.client.records import Organization
from keyturn.client.strict_json import ResponseFormatError
from keyturn.model.connection_failure import FailureReason


@pytest.mark.parametrize(
    ("tree", "ok"),
    [
        ({"ok": True}, True),
        ({"ok": False}, False),
        ({"success": True}, True),
        ({"success": False}, False),
        ({"data": {"ok": True}}, True),
        ({"data": {"id": "t", "type": "test", "attributes": {"ok": True}}}, True),
        ({"ok": True, "success": True}, True),
        ({"ok": True, "success": False}, None),
        ({"ok": "true"}, None),
        ({"ok": 1}, None),
        ({"ok": None}, None),
        ({"status": "ok"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("ok", None),
        (True, None),
    ],
)
def test_only_an_explicit_true_is_a_pass(tree, ok):
    """A missing or contradictory result is None."""
    assert decode_test_response(tree).ok is ok
    assert is_explicit_failure(tree) == (ok is False and isinstance(tree, dict))


@pytest.mark.parametrize(
    ("tree", "latency", "version"),
    [
        ({"latencyMs": 12, "serverVersion": "PostgreSQL 16.2 (Debian)"}, 12, "PostgreSQL 16.2"),
        ({"latency_ms": 1.5, "server_version": "8.4"}, 1.5, "8.4"),
        ({"latencyMs": -1, "serverVersion": 16}, None, ""),
        ({"latencyMs": True, "serverVersion": "x\x1b[31m"}, None, ""),
        ({"latencyMs": "12", "serverVersion": "v" * 500}, None, ""),
        ({"latencyMs": 1, "latency_ms": 2}, None, ""),
    ],
)
def test_latency_and_version(tree, latency, version):
    """Invalid values are left out."""
    found = decode_test_response({"ok": True, **tree})
    assert (found.latency_ms, found.server_version) == (latency, version)


def test_the_message_is_rebuilt():
    """Known words and values are shown; the reason is that of the whole message."""
    message = "FATAL:\n\x1b[31mno \u202ehunter2\u2028::error:: db7 rejected hunter2, retry: consent\x00xyz"
    found = decode_test_response({"ok": False, "message": message}, {"db7": "db7"})
    assert found.message == "fatal: … error: db7 rejected … retry: …"
    assert found.failure_reason is FailureReason.CONSENT
    assert decode_test_response({"ok": False, "message": {"a": 1}}).message == ""


@pytest.mark.parametrize(
    "tree",
    [
        {"data": {"id": "org_1", "name": "Acme", "slug": "acme", "plan": "enterprise", "created_at": "x"}},
        {"id": "org_1", "name": "Acme", "slug": "acme", "plan": "enterprise"},
        {
            "data": {
                "id": "org_1",
                "type": "organization",
                "attributes": {"name": "Acme", "slug": "acme", "plan": "enterprise"},
            }
        },
    ],
)
def test_the_organization(tree):
    """All formats give the same value."""
    assert decode_organization(tree) == Organization(id="org_1", name="Acme", slug="acme", plan="enterprise")


@pytest.mark.parametrize("tree", [{}, {"data": {}}, {"id": ""}, {"id": 7}, [], None])
def test_an_organization_without_an_id_is_an_error(tree):
    """The check of the organization needs the ID."""
    with pytest.raises(ResponseFormatError):
        decode_organization(tree)


def test_limits():
    """Only integers are limits."""
    tree = {"data": {"max_connections": 100, "max_pipelines": None, "tier": "x", "beta": True}}
    assert decode_limits(tree) == {"max_connections": 100}
    with pytest.raises(ResponseFormatError):
        decode_limits([])
