"""What some servers do to plain settings."""

import pytest

from planasonix_emulator.normalise import normalised
from planasonix_emulator.witness import digest

CONFIG = {"host": " DB.Example ", "port": "5432", "tags": ["b", "a"], "deep": {"x": " y "}}


@pytest.mark.parametrize(
    ("ways", "changed"),
    [
        ((), {}),
        (("trim",), {"host": "DB.Example", "deep": {"x": "y"}}),
        (("lower",), {"host": " db.example "}),
        (("trim", "lower"), {"host": "db.example", "deep": {"x": "y"}}),
        (("numbers",), {"port": 5432}),
        (("order",), {"tags": ["a", "b"]}),
        (("defaults",), {"sslMode": "prefer", "schema": "public"}),
    ],
)
def test_each_way(ways, changed):
    """Each way changes what it is about, and nothing else."""
    assert normalised("postgres", CONFIG, ways) == CONFIG | changed


def test_keys_may_be_sorted():
    """Keys come back in another order than they were sent."""
    assert list(normalised("", CONFIG, ("order",))) == ["deep", "host", "port", "tags"]


@pytest.mark.parametrize("text", ["007", "1e3", "", "1.5", "9" * 40])
def test_only_plain_numbers_are_read(text):
    """Text that would not be written back the same stays text."""
    assert normalised("", {"a": text}, ("numbers",)) == {"a": text}


def test_secrets_are_never_normalised(start, canary):
    """Whatever happens to settings, a secret is kept byte for byte."""
    api = start(normalise=["trim", "lower", "defaults", "order", "numbers"])
    secret = f" {canary().upper()} "
    api.credential(config={"host": " DB ", "password": secret})
    held = api.held("prod-db")
    assert held["config"] == {"connect_timeout": 10, "host": "db"}
    assert held["secrets"] == {"password": digest("s", secret)}
