"""Secrets: every access other than `reveal` hides the value."""

import copy
import gc
import hashlib
import hmac
import io
import json
import logging
import pickle
import pprint
import sys
import traceback
from dataclasses import FrozenInstanceError, asdict, astuple, dataclass, replace

import pytest
import yaml
from deepdiff import DeepDiff, DeepHash
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.traceback import Traceback

from keyturn.model.secret import Secret

REFUSED = {
    "str": str,
    "format": format,
    "f-string": lambda secret: f"{secret}",
    "f-string, padded": lambda secret: f"{secret:>10}",
    "percent": lambda secret: "%s" % secret,  # noqa: UP031
    "str.format": "{}".format,
    "join": ", ".join,
    "concatenation": lambda secret: "password=" + secret,
    "bytes": bytes,
    "int": int,
    "list": list,
    "unpacking": lambda secret: [*secret],
    "index": lambda secret: secret[0],
    "slice": lambda secret: secret[:2],
    "len": len,
    "truth": bool,
    "in": lambda secret: "a" in secret,
    "order": lambda secret: secret < Secret("z"),
    "hash": hash,
    "set": lambda secret: {secret},
    "sorted": lambda secret: sorted([secret, secret]),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy in a tree": lambda secret: copy.deepcopy({"config": {"password": secret}}),
    "pickle": pickle.dumps,
    "pickle, oldest": lambda secret: pickle.dumps(secret, 0),
    "json": json.dumps,
    "json, through str": lambda secret: json.dumps({"a": secret}, default=str),
    "json, through vars": lambda secret: json.dumps({"a": secret}, default=vars),
    "yaml": yaml.dump,
    "yaml, safe": yaml.safe_dump,
    "yaml, in a tree": lambda secret: yaml.dump({"config": {"password": secret}}),
    "state": lambda secret: secret.__getstate__(),
    "reduce": lambda secret: secret.__reduce_ex__(4),
    "vars": vars,
    "assignment": lambda secret: setattr(secret, "value", "x"),
    "replacement": lambda secret: setattr(secret, "_open", lambda: "x"),
    "deletion": lambda secret: delattr(secret, "_open"),
    "DeepDiff": lambda secret: DeepDiff({"a": secret}, {"a": Secret("other")}),
    "DeepDiff, pretty": lambda secret: DeepDiff({"a": secret}, {}, verbose_level=2).pretty(),
    "DeepDiff, JSON": lambda secret: DeepDiff({"a": secret}, {}, verbose_level=2).to_json(),
    "DeepHash": lambda secret: DeepHash({"a": secret})[secret],
    "asdict": lambda secret: asdict(Holder("x", secret)),
    "astuple": lambda secret: astuple(Holder("x", secret)),
}
SHOWN = {
    "repr": repr,
    "repr in a tree": lambda secret: repr({"config": [{"password": secret}]}),
    "ascii": ascii,
    "percent r": lambda secret: "%r" % (secret,),  # noqa: UP031
    "f-string r": lambda secret: f"{secret!r}",
    "pprint": pprint.pformat,
    "dataclass": lambda secret: repr(Holder("x", secret)),
    "dataclass, replaced": lambda secret: repr(replace(Holder("x", secret), name="y")),
    "exception": lambda secret: str(ValueError(secret, "x")),
    "yaml, by repr": lambda secret: yaml.dump(repr(secret)),
    "json, by repr": lambda secret: json.dumps({"a": secret}, default=repr),
    "DeepDiff, as a tree": lambda secret: repr(DeepDiff({"a": secret}, {"a": ""}, view="tree").to_dict()),
    "DeepDiff, removed": lambda secret: repr(DeepDiff({"a": secret}, {}, verbose_level=2)),
    "referents": lambda secret: repr(gc.get_referents(secret)),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A value that contains a secret."""

    name: str
    secret: Secret


@pytest.mark.parametrize("way", REFUSED)
@pytest.mark.parametrize("kind", ["ascii", "numeric"])
def test_conversions_raise(canary, way, kind):
    """Converting a secret to text, a number, bytes, a copy or a document raises without the value."""
    value = canary(kind)
    with pytest.raises((TypeError, ValueError, AttributeError, yaml.YAMLError)) as raised:
        REFUSED[way]([Secret(value)] if way == "join" else Secret(value))
    assert value not in repr(raised.value)


@pytest.mark.parametrize("way", SHOWN)
def test_displays_show_a_mask(canary, way):
    """Displaying a secret shows a mask."""
    value = canary()
    text = SHOWN[way](Secret(value))
    assert value not in text
    canary.record(way, text)


def test_walk_over_attributes(canary):
    """No attribute at any depth is the value."""
    value = canary()
    secret = Secret(value)
    for name in dir(secret):
        attribute = getattr(secret, name)
        assert attribute != value
        canary.record(f"attribute {name}", repr(attribute))
        for below in dir(attribute):
            canary.record(f"attribute {name}.{below}", repr(getattr(attribute, below, None)))


def test_only_the_closure_contains_the_value(canary):
    """The garbage collector reaches the value only through the closures of two functions."""
    value = canary()
    functions = [each for each in gc.get_referents(Secret(value)) if each is not Secret]
    assert all(callable(each) for each in functions)
    assert value not in functions
    assert {cell.cell_contents for each in functions for cell in each.__closure__} == {value}


def test_logging(canary, caplog):
    """A log record shows the mask, and its arguments do not contain the value."""
    secret = Secret(canary())
    logging.getLogger("keyturn").warning("sent %r", secret, extra={"body": secret})
    assert caplog.messages == ["sent Secret(hidden)"]


def test_logging_as_text(canary):
    """Formatting a secret as text in a log line fails."""
    with pytest.raises(TypeError):
        logging.getLogger("keyturn").warning("sent %s", Secret(canary()))


def test_logging_to_a_stream(canary, capsys):
    """The error output of `logging` for a failed format shows no secret."""
    value = canary()
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.Logger("keyturn.alone")  # noqa: LOG001  # one that nobody else listens to
    logger.addHandler(handler)
    logger.warning("sent %s", Secret(value))
    shown = capsys.readouterr().err
    assert "Secret(hidden)" in shown
    assert value not in shown


def _fail(secret):
    body = {"password": secret}
    raise RuntimeError(len(body))


def test_traceback_with_locals(canary):
    """A traceback with local variables shows the mask, in the standard library and in rich."""
    with pytest.raises(RuntimeError) as raised:
        _fail(Secret(canary()))
    error = raised.value
    plain = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    rich = console.export_text()
    canary.record("tracebacks", plain + rich)
    assert "Secret(hidden)" in plain
    assert "Secret(hidden)" in rich


def test_replace_keeps_the_secret(canary):
    """`replace` keeps the secret of a frozen value."""
    secret = Secret(canary())
    assert replace(Holder("x", secret), name="y").secret is secret


def test_holders_are_immutable():
    """Types that contain secrets are frozen."""
    with pytest.raises(FrozenInstanceError):
        Holder("x", Secret("a")).name = "y"


@given(st.text())
def test_reveal_returns_the_value(value):
    """Empty, padded, unusual and long values are unchanged."""
    assert Secret(value).reveal() == value


@given(st.text(), st.text())
def test_secrets_compare_by_value(one, other):
    """Two secrets are equal if their values are; a secret never equals text."""
    assert (Secret(one) == Secret(other)) is (one == other)
    assert (Secret(one) != Secret(other)) is (one != other)
    assert Secret(one) != one


@given(st.binary(min_size=1), st.binary(), st.text())
def test_mac_is_hmac_over_frame_and_value(key, framing, value):
    """The keyed fingerprint is HMAC-SHA256 over the framing and the UTF-8 value."""
    expected = hmac.new(key, framing + value.encode(), hashlib.sha256).hexdigest()
    assert Secret(value).compute_hmac(key, framing) == expected


@pytest.mark.parametrize("value", [1, True, None, 1.5, b"bytes", ["a"]])
def test_a_secret_is_text(value):
    """Other types are rejected, because YAML turns passwords into numbers."""
    with pytest.raises(TypeError, match="a secret is text"):
        Secret(value)


def test_refusal_names_the_fix():
    """The message tells the developer what to do instead."""
    with pytest.raises(TypeError, match="pass the object itself"):
        str(Secret("a"))
