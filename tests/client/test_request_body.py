"""Bodies and headers on their way out, the only place where secrets are revealed."""

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
    """A body is compact JSON in UTF-8, in the order given, secrets in their places."""
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
def test_any_secret_arrives_as_it_is(value):
    """Whatever a secret is made of, the service reads the same text."""
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
def test_an_unknown_type_is_a_bug(leaf):
    """A reference that nobody resolved, or anything else that JSON has no form for, is never sent."""
    with pytest.raises(TypeError, match=r"config|body"):
        encode_body({"config": {"x": leaf}})


@pytest.mark.parametrize("leaf", [float("nan"), float("inf"), "\ud800", Secret("\udfff")], ids=repr)
def test_what_json_has_no_form_for(leaf, canary):
    """Numbers that are none and half surrogate pairs are refused, and the other secrets stay inside."""
    secret = canary("unicode")
    with pytest.raises(ValueError, match=r"finite|surrogate") as caught:
        encode_body({"config": {"x": leaf, "password": Secret(secret)}})
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mask", ["********", "••••", "<redacted>", "[hidden]"])
def test_a_mask_is_never_written(mask):
    """What stands for a hidden value would become the value."""
    with pytest.raises(DiagnosticError) as caught:
        encode_body({"name": "x", "config": {"password": mask}})
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT513"
    assert "config.password" in finding.message


def test_a_secret_may_look_like_a_mask():
    """A password of eight asterisks is a bad one, and yet what was wanted."""
    assert encode_body({"config": {"password": Secret("********")}}) == b'{"config":{"password":"********"}}'
    assert encode_body({"name": "hidden"}) == b'{"name":"hidden"}'


@pytest.mark.parametrize(
    "text", ["plnx_live_abc", " plnx_live_abc\n", "\ufeffplnx_live_abc\r\n", "\tplnx_live_abc"]
)
def test_a_key_is_trimmed(text):
    """The newline that every editor leaves is no part of the key."""
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
def test_a_key_that_is_none_is_refused_by_name_only(text, word, canary):
    """Nothing that would break a header, or make a library print it, gets near one."""
    with pytest.raises(DiagnosticError) as caught:
        encode_bearer_token(Secret(text.format(*[canary()] * 500_000)), "file .key")
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT512"
    assert "file .key" in finding.message
    assert word in finding.message
    canary.also("the finding", finding)


@pytest.mark.parametrize("text", ["", "a b", "a\r\nX-Evil: 1", "é", "x" * 300])
def test_a_plain_header_is_checked_too(text):
    """An organization's id comes from a file of the repository, and is no less checked."""
    with pytest.raises(DiagnosticError) as caught:
        encode_header_value(text, "organization")
    assert caught.value.diagnostics[0].code == "KT511"


def test_a_plain_header():
    """An id is sent as it is."""
    assert encode_header_value("org_01HV", "organization") == b"org_01HV"
