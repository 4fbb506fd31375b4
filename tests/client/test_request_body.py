"""Encoding of request bodies and headers."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.request_body import (
    MAX_API_KEY_LENGTH,
    encode_bearer_token,
    encode_body,
    encode_header_value,
)
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret


def test_exact_bytes():
    """A body is compact JSON in UTF-8, in the given order, with secrets revealed."""
    tree = MappingProxyType(
        {
            "name": "prod-é",
            "config": {
                "port": 5432,
                "ratio": 1.5,
                "on": True,
                "none": None,
                "password": Secret('q"\\\n€'),
                "tags": ("a", ["b"], {}),
            },
        }
    )
    assert (
        encode_body(tree)
        == (
            '{"name":"prod-é","config":{"port":5432,"ratio":1.5,"on":true,"none":null,'
            '"password":"q\\"\\\\\\n€","tags":["a",["b"],{}]}}'
        ).encode()
    )


@given(st.text())
def test_any_secret_is_encoded_exactly(value):
    """The service parses the same text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    assert json.loads(encode_body({"config": {"headers": {"X-Key": Secret(value)}}}))["config"][
        "headers"
    ] == {"X-Key": value}


@pytest.mark.parametrize(
    "leaf",
    [Address("credential", "prod-x"), b"bytes", {1: "a"}, {"a", "b"}, object(), {"deep": [{("a",): 1}]}],
    ids=lambda leaf: type(leaf).__name__,
)
def test_an_unknown_type_is_an_error(leaf):
    """Such as an unresolved reference."""
    with pytest.raises(TypeError, match=r"config|body"):
        encode_body({"config": {"x": leaf}})


@pytest.mark.parametrize("leaf", [float("nan"), float("inf"), "\ud800", Secret("\udfff")], ids=repr)
def test_values_that_json_cannot_represent(leaf, canary):
    """Non-finite numbers and unpaired surrogates are errors; the message has no secret."""
    secret = canary("unicode")
    with pytest.raises(ValueError, match=r"finite|surrogate") as caught:
        encode_body({"config": {"x": leaf, "password": Secret(secret)}})
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mask", ["********", "••••", "<redacted>", "[hidden]"])
def test_a_mask_is_never_written(mask):
    """It would replace the real value."""
    with pytest.raises(DiagnosticError) as caught:
        encode_body({"name": "x", "config": {"password": mask}})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT513"
    assert "config.password" in diagnostic.message


def test_the_error_of_a_mask_shows_no_unknown_key():
    """A secret may stand in the place of a key."""
    with pytest.raises(DiagnosticError) as caught:
        encode_body({"config": {"headers": {"hunter2": "********"}}})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == "config.headers.▒▒▒ is a mask, not a value"
    assert "hunter2" not in str(diagnostic)


def test_a_secret_may_look_like_a_mask():
    """Only plain text is checked for masks."""
    assert encode_body({"config": {"password": Secret("********")}}) == b'{"config":{"password":"********"}}'
    assert encode_body({"name": "hidden"}) == b'{"name":"hidden"}'


@pytest.mark.parametrize(
    "text", ["plnx_live_abc", " plnx_live_abc\n", "\ufeffplnx_live_abc\r\n", "\tplnx_live_abc"]
)
def test_a_key_is_trimmed(text):
    """Whitespace around it is removed."""
    assert encode_bearer_token(Secret(text), "PLANASONIX_API_KEY") == b"Bearer plnx_live_abc"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        (" \r\n", "empty"),
        ("Bearer {}", "whitespace"),
        ("{}\r\nX-Evil: 1", "whitespace"),
        ("{}\x00", "whitespace"),
        ("{}\x7f", "whitespace"),
        ("{}€", "ASCII"),
        ("{}\u2028x", "ASCII"),
        ("{}" + "x" * MAX_API_KEY_LENGTH, "longer"),
        ("{}" * 500_000, "longer"),
    ],
    ids=["empty", "blank", "label", "header", "nul", "del", "euro", "separator", "long", "huge"],
)
def test_a_malformed_key_is_rejected_without_showing_it(text, word, canary):
    """The message names only the source."""
    with pytest.raises(DiagnosticError) as caught:
        encode_bearer_token(Secret(text.format(*[canary()] * 500_000)), "file .key")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT512"
    assert "file .key" in diagnostic.message
    assert word in diagnostic.message
    canary.record("the diagnostic", diagnostic)


@pytest.mark.parametrize("text", ["", "a b", "a\r\nX-Evil: 1", "é", "x" * 300])
def test_a_header_value_is_validated(text):
    """An invalid organization ID is an error."""
    with pytest.raises(DiagnosticError) as caught:
        encode_header_value(text, "organization")
    assert caught.value.diagnostics[0].code == "KT511"


def test_a_header_value():
    """A valid ID is unchanged."""
    assert encode_header_value("org_01HV", "organization") == b"org_01HV"
