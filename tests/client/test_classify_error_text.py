"""Texts of errors: rebuilt from words that are safe to show."""

import pytest

from keyturn.client.classify import extract_error_text, filter_request_id

NAMES = frozenset({"name", "config", "host", "X-Custom"})


@pytest.mark.parametrize(
    ("tree", "code", "details"),
    [
        ({"error": {"code": "invalid_request", "message": "secret"}}, "invalid_request", ()),
        (
            {"error": {"code": "invalid_request", "details": [{"field": "config.host", "issue": "blank"}]}},
            "invalid_request",
            ("config.host: blank",),
        ),
        (
            {
                "error": {
                    "code": "x",
                    "details": [{"field": "hunter2", "issue": "blank"}, {"field": "name"}, 7],
                }
            },
            "",
            ("blank", "name"),
        ),
        ({"error": {"details": [{"field": "name", "issue": "hunter2"}]}}, "", ("name",)),
        ({"error": {"details": [{"field": ["name"], "issue": {"a": 1}}]}}, "", ()),
        ({"error": {"details": "name"}}, "", ()),
        ({"error": {"details": [{"field": "name.name.host", "issue": "blank"}]}}, "", ("blank",)),
        ({"error": {"details": [{"field": "name", "issue": "blank"}] * 50}}, "", ("name: blank",) * 5),
        ({"error": "not found"}, "not found", ()),
        ({"error": "the password is hunter2"}, "the password is …", ()),
        ({"error": {"message": "gone", "type": "NotFound", "code": 404}}, "not found", ()),
        ({"error": {"message": "not found", "code": 404}}, "not found", ()),
        ({"code": "conflict"}, "conflict", ()),
        ({"error": None}, "", ()),
        ([], "", ()),
        (None, "", ()),
    ],
)
def test_error_texts_in_every_format(tree, code, details):
    """The code and the details are kept; details name only fields that were sent."""
    assert extract_error_text(tree, NAMES) == (code, details)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("7d9f0a3e-5b1c-4c55-9d0e-8a1f4b2c3d4e", True),
        ("01HV8Z3K9QX4T2M6N8P0R2S4T6", True),
        ("req_0123456789abcdef", True),
        ("deadbeef", True),
        ("plnx_live_0123456789", False),
        ("hunter2", False),
        ("0123456\n", False),
        ("x" * 300, False),
        ("", False),
    ],
)
def test_request_ids_in_common_formats(text, kept):
    """Only an ID in a common format is kept."""
    assert filter_request_id(text, b"{}") == (text if kept else "")


def test_a_request_id_from_the_body_is_dropped():
    """A secret in hexadecimal form never becomes a request ID."""
    assert filter_request_id("0123456789abcdef", b'{"password":"0123456789abcdef"}') == ""
